"""API routes of posts: create, read, change, schedule, approve, cancel and delete."""

from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from channels.sending.edits import can_edit
from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules.calendar import listings, unscheduled_drafts, versioned_actions
from schedules.drafts import channel_requirements, drafts
from schedules.posts import labels
from schedules.publishing import edit_requests
from schedules.rescheduling import priority
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
)
from web.api.common.schemas import wall_time_in
from web.api.posts import approvals
from web.api.posts.approval_schemas import ApproveIn
from web.api.posts.schemas import (
    PostChange,
    PostIn,
    PostOut,
    PostsOut,
    PostsQuery,
    PostWhole,
    RewordIn,
    ScheduleIn,
)
from web.api.posts.warnings import find_warnings

API_ORIGIN = "api"


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """Create the routes under `/posts`."""
    routes = APIRouter(prefix="/posts", tags=["posts"])
    _add_post_read_routes(routes, tenant, connectors)
    _add_post_write_routes(routes, tenant, connectors)
    _add_post_delete_route(routes, tenant)
    _add_post_edit_route(routes, tenant, connectors)
    _add_post_action_routes(routes, tenant, connectors)
    return routes


def _add_post_read_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=PostsOut)
    def list_posts(
        call: Annotated[ApiCall, can_read], which: Annotated[PostsQuery, Query()]
    ) -> PostsOut:
        """List posts, newest first. Requires the `posts:read` scope."""
        question = ["posts", which.creator, which.label]
        before = pagination.decode_dated_cursor(question, which.cursor)

        def ask(scope: Scope, sight: Caller) -> list[listings.ListedPost]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return listings.list_posts(
                scope, seen, before=before, limit=which.limit, label_id=which.label
            )

        found = call.read(ask)
        place = (
            [found[-1].made_at.isoformat(), str(found[-1].post.id)]
            if len(found) == which.limit
            else None
        )
        following = pagination.encode_cursor(question, place) if place is not None else None
        return PostsOut(items=[PostOut.of(one) for one in found], next=following)

    @routes.get("/{post_id}", response_model=PostWhole)
    def get_post(
        post_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> PostWhole:
        """Return a post with its deliveries. Send its `ETag` in `If-Match` to change it. Requires
        the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> PostWhole:
            return _load_judged_post(scope, sight, post_id, connectors)

        found = call.read(ask)
        response.headers.update(etag_header(found.version))
        return found


def _add_post_write_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    @routes.post("", status_code=201, response_model=PostWhole)
    def write_post(
        body: PostIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Create a post, and schedule it if `channels` and `at` are set. If the post needs
        approval, the time is a proposal until it is approved. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            channel_requirements.check_override_places(scope, body.to_draft, connectors=connectors)
            at = wall_time_in(body.at, creator.zone) if body.at is not None else None
            post_id = versioned_actions.create_post_at(
                scope, body.to_draft, key=uuid7(), at=at, author=scope.actor, origin=API_ORIGIN
            )
            channel_requirements.check_post_requirements(scope, post_id, connectors=connectors)
            return post_result(
                scope, sight, post_id, "post.write", status=201, judged_by=connectors
            )

        return call.apply_once(act)

    @routes.patch("/{post_id}", response_model=PostWhole)
    def rewrite_post(
        post_id: UUID,
        body: PostChange,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Change the content, the limit for late publishing or the labels of a post that is not
        published on any account. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            old = listings.get_post_detail(scope, sight.creators, post_id).listed.post
            if body.late_ok is not None:
                priority.set_late_limit(scope, post_id, body.late_ok, version=old.version)
            if body.labels is not None:  # labels are not part of the approved content
                labels.set_post_labels(scope, post_id, body.labels)
            if body.has_content_changes:
                new = body.apply_to(old)
                if body.otherwise is not None:
                    channel_requirements.check_override_places(scope, new, connectors=connectors)
                drafts.rewrite_post(scope, post_id, new, author=scope.actor)
            channel_requirements.check_post_requirements(scope, post_id, connectors=connectors)
            return post_result(scope, sight, post_id, "post.rewrite", judged_by=connectors)

        return call.apply(act, post=post_id)


def _add_post_delete_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.delete("/{post_id}", response_model=PostWhole)
    def throw_away_post(
        post_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Delete a post that was never scheduled, with its comments, and return its last state. 409
        if it is or was scheduled, approved or rejected. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            gone = PostWhole.from_view(listings.get_post_detail(scope, sight.creators, post_id))
            unscheduled_drafts.delete_draft(scope, post_id)
            return ChangeResult(gone, "post.throw_away", f"post:{post_id}")

        return call.apply(act, post=post_id)


def _add_post_edit_route(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    able = frozenset(name for name, one in connectors.items() if can_edit(one))

    @routes.post("/{post_id}/reword", status_code=202, response_model=PostWhole)
    def reword_post(
        post_id: UUID,
        body: RewordIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Edit the text of a published post on all platforms that support it. The new text is
        approved and checked like that of a new post. The result is in the `edits` of each delivery.
        409 while a delivery is being published, or if none of the platforms supports edits.
        Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            old = listings.get_post_detail(scope, sight.creators, post_id).listed.post
            title = old.title if body.title is None else body.title
            said = old.body if body.body is None else body.body
            edit_requests.request_edit(
                scope, post_id, title=title, body=said, able=able, author=scope.actor
            )
            return post_result(
                scope, sight, post_id, "post.reword", status=202, judged_by=connectors
            )

        return call.apply_once(act, post=post_id)


def _add_post_action_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("/{post_id}/schedule", response_model=PostWhole)
    def schedule_post(
        post_id: UUID, body: ScheduleIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Schedule or reschedule a post on the given channels, or on its current ones if `channels`
        is empty. 409 for deliveries that were published. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            post = listings.get_post_detail(scope, sight.creators, post_id).listed.post
            at = wall_time_in(body.at, sight.get_creator(post.creator_id).zone)
            versioned_actions.schedule_post_on_channels(
                scope, post_id, channels=body.channels, at=at
            )
            channel_requirements.check_post_requirements(scope, post_id, connectors=connectors)
            return post_result(scope, sight, post_id, "post.schedule", judged_by=connectors)

        return call.apply_once(act, post=post_id)

    @routes.post("/{post_id}/cancel", response_model=PostWhole)
    def cancel_post(post_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Cancel all deliveries of a post that are not published, and end its series or remove it
        from the evergreen queue. 409 while a delivery is being published, and for version B of a
        running A/B test. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            versioned_actions.cancel_post(scope, post_id)
            return post_result(scope, sight, post_id, "post.cancel", judged_by=connectors)

        return call.apply_once(act, post=post_id)

    @routes.post("/{post_id}/approve", response_model=PostWhole)
    def approve_post(
        post_id: UUID,
        body: ApproveIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.APPROVE))],
    ) -> Response:
        """Approve the current version of a post as the key's member. 403 for the author of the
        post, and for posts with pictures that must be viewed in the dashboard first. Requires the
        `approve` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            approvals.require_no_blurred_pictures(scope, sight, post_id)
            versioned_actions.approve_and_schedule(
                scope, post_id, member_id=sight.member.id, note=body.note, tier=body.tier
            )
            return post_result(scope, sight, post_id, "post.approve", judged_by=connectors)

        return call.apply_once(act, post=post_id)


def _lock_post_version(scope: Scope, sight: Caller, post_id: UUID, call: ApiCall) -> None:
    """Lock the post at the version its caller saw. Raises NotFound for a post of a creator that the
    key may not access."""
    listings.get_post_detail(scope, sight.creators, post_id)
    versioned_actions.lock_post_version(scope, post_id, call.expected_version)


def post_result(
    scope: Scope,
    sight: Caller,
    post_id: UUID,
    did: str,
    *,
    status: int = 200,
    judged_by: Mapping[str, Connector] | None = None,
) -> ChangeResult:
    """Return the response with the current post, and with its warnings if `judged_by` is given."""
    found = _load_judged_post(scope, sight, post_id, judged_by)
    headers = etag_header(found.version)
    if status == 201:
        headers["location"] = f"/v1/posts/{post_id}"
    return ChangeResult(found, did, f"post:{post_id}", status, headers)


def _load_judged_post(
    scope: Scope, sight: Caller, post_id: UUID, connectors: Mapping[str, Connector] | None
) -> PostWhole:
    """Return a post. Its warnings are None without connectors to check it. Raises NotFound for a
    post of a creator that the key may not access."""
    found = listings.get_post_detail(scope, sight.creators, post_id)
    warned = None if connectors is None else find_warnings(scope, post_id, connectors)
    return PostWhole.from_view(found, warnings=warned)
