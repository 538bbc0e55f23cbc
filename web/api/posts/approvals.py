"""API routes of approvals: pending posts, and the decisions of the key's member.

A key approves only for its own member. Posts whose pictures must be viewed first can only be
approved in the dashboard.
"""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from schedules.approvals import decisions, pending_decisions, queries, review_queue
from schedules.approvals.release import eligible_approvers
from schedules.calendar import listings, versioned_actions
from schedules.posts import channel_overrides, deliveries
from schedules.posts.queries import StoredPost
from studio.library.postable_assets import UNCOVERED_RATINGS
from studio.library.queries import get_asset_bytes
from tenants.agencies.states import CreatorState
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
)
from web.api.posts.approval_schemas import (
    AskChangeIn,
    NeededOut,
    PendingCountsOut,
    RejectIn,
    WantedOut,
)
from web.api.posts.review_comment_schemas import (
    AwaitedOut,
    AwaitedPage,
    PendingApprovalsQuery,
    PersonOut,
)
from web.api.posts.review_comments import load_person_names
from web.api.posts.schemas import PostWhole


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/approvals`, and the approval routes under `/posts`."""
    routes = APIRouter(tags=["approvals"])
    _add_pending_approval_routes(routes, tenant)
    _add_count_route(routes, tenant)
    _add_approval_status_route(routes, tenant)
    _add_verdict_routes(routes, tenant)
    return routes


def require_no_blurred_pictures(scope: Scope, sight: Caller, post_id: UUID) -> None:
    """Raise Refused if the post has pictures that the dashboard blurs, because members must view
    them before they approve."""
    if _list_blurred_assets(
        scope, listings.get_post_detail(scope, sight.creators, post_id).listed.post
    ):
        raise Refused("api.look_first")


def _list_blurred_assets(scope: Scope, post: StoredPost) -> list[UUID]:
    return [
        one
        for one in channel_overrides.collect_assets(post.media, post.parts, post.others)
        if _is_blurred_asset(scope, one)
    ]


def _is_blurred_asset(scope: Scope, asset_id: UUID) -> bool:
    try:
        return get_asset_bytes(scope, asset_id).standing.rating not in UNCOVERED_RATINGS
    except NotFound:  # erased: its rating is unknown
        return True


def _add_pending_approval_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/approvals", response_model=AwaitedPage)
    def list_awaited(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[PendingApprovalsQuery, Query()],
    ) -> AwaitedPage:
        """List posts pending approval, earliest first. Rejected posts are not included. Requires
        the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> AwaitedPage:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            known = load_person_names(scope, sight)
            me = sight.member.principal_id
            found = review_queue.list_review_queue(scope, seen, limit=which.limit)
            return AwaitedPage(items=[AwaitedOut.of(one, known, to=me) for one in found])

        return call.read(ask)


def _add_count_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/approvals/counts", response_model=PendingCountsOut)
    def count_pending(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> PendingCountsOut:
        """Return how many items the key's member may decide, as the dashboard shows them: posts,
        content on hold, images, unconfirmed posts, requests and reviews. Requires the `posts:read`
        scope."""

        def ask(scope: Scope, sight: Caller) -> PendingCountsOut:
            creators = [
                one for one in sight.creators.values() if one.state is not CreatorState.ARCHIVED
            ]
            return PendingCountsOut.of(
                pending_decisions.count_pending_decisions(scope, sight.member, creators)
            )

        return call.read(ask)


def _add_approval_status_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/posts/{post_id}/needed", response_model=NeededOut)
    def get_needed(
        post_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
    ) -> NeededOut:
        """Return the approvals that a post still needs, and the changes that were requested.
        Requires the `posts:read` scope."""
        return call.read(lambda scope, sight: _build_approval_status(scope, sight, post_id))


def _build_approval_status(scope: Scope, sight: Caller, post_id: UUID) -> NeededOut:
    found = listings.get_post_detail(scope, sight.creators, post_id)
    row = deliveries.get_post(scope, post_id)
    known = load_person_names(scope, sight)
    said = queries.load_post_discussion(scope, post_id)
    tiers = range(1, said.creator.approval_tiers + 1)
    return NeededOut(
        post_id=post_id,
        approved=found.approved,
        tiers=said.creator.approval_tiers,
        missing=[
            tier
            for tier in tiers
            if not decisions.has_tier_approval(scope, row, scope.now, tier=tier)
        ],
        who=[
            PersonOut(id=one.principal_id, name=one.name)
            for one in eligible_approvers(scope, post_id)
        ],
        to_look_at=_list_blurred_assets(scope, found.listed.post),
        wanted=[WantedOut.of(one, known) for one in said.wanted],
        open_comments=sum(one.open for one in said.comments),
    )


def _add_verdict_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.APPROVE))

    @routes.post("/posts/{post_id}/ask-change", response_model=PostWhole)
    def ask_change(
        post_id: UUID, body: AskChangeIn, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Request changes to a post pending approval. Its approvals no longer count, and the
        members of the creator are notified. 409 if the post is not pending approval. Requires the
        `approve` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_pending_post(scope, sight, post_id, call)
            member_id = sight.member.id
            decisions.request_changes(
                scope, post_id, member_id=member_id, why=body.why, note=body.note, tier=body.tier
            )
            return _build_post_result(scope, sight.creators, post_id, "post.ask_change")

        return call.apply_once(act, post=post_id)

    @routes.post("/posts/{post_id}/reject", response_model=PostWhole)
    def reject_post(post_id: UUID, body: RejectIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Reject a post pending approval permanently and remove it from the calendar. 409 if the
        post is not pending approval. Requires the `approve` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_pending_post(scope, sight, post_id, call)
            decisions.decline_post(
                scope, post_id, member_id=sight.member.id, why=body.why, note=body.note
            )
            return _build_post_result(scope, sight.creators, post_id, "post.reject")

        return call.apply_once(act, post=post_id)

    @routes.post("/posts/{post_id}/withdraw", response_model=PostWhole)
    def withdraw_word(post_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Withdraw the verdict of the key's member within fifteen seconds. 403 later. Requires the
        `approve` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _lock_post_version(scope, sight, post_id, call)
            decisions.withdraw_verdict(scope, post_id, member_id=sight.member.id)
            return _build_post_result(scope, sight.creators, post_id, "post.withdraw")

        return call.apply_once(act, post=post_id)


def _lock_post_version(scope: Scope, sight: Caller, post_id: UUID, call: ApiCall) -> None:
    listings.get_post_detail(scope, sight.creators, post_id)
    versioned_actions.lock_post_version(scope, post_id, call.expected_version)


def _lock_pending_post(scope: Scope, sight: Caller, post_id: UUID, call: ApiCall) -> None:
    """Lock a post pending approval at the version its caller saw. Raises NotFound, StaleVersion or
    Conflict."""
    _lock_post_version(scope, sight, post_id, call)
    if not review_queue.list_review_queue(scope, list(sight.creators), post_id=post_id):
        raise Conflict("api.not_awaited")


def _build_post_result(
    scope: Scope, creators: Collection[UUID], post_id: UUID, did: str
) -> ChangeResult:
    scope.session.expire_all()
    found = listings.get_post_detail(scope, creators, post_id)
    return ChangeResult(
        PostWhole.from_view(found),
        did,
        f"post:{post_id}",
        headers=etag_header(found.listed.version),
    )
