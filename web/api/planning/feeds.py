"""API routes of feeds: web feeds whose new entries become drafts."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from schedules.feeds import sources
from schedules.feeds.sources import FeedView
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
    state_tag,
)
from web.api.common.schemas import CreatorPageQuery
from web.api.planning.request_schemas import FeedIn
from web.api.planning.response_schemas import FeedOut, FeedsPage


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/feeds`."""
    routes = APIRouter(prefix="/feeds", tags=["feeds"])
    _add_feed_read_routes(routes, tenant)
    _add_feed_create_route(routes, tenant)
    _add_feed_action_routes(routes, tenant)
    return routes


def _add_feed_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=FeedsPage)
    def list_feeds(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> FeedsPage:
        """List feeds with the time of their next update. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[FeedView]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return [feed for creator_id in seen for feed in sources.list_feeds(scope, creator_id)]

        question = ["feeds", which.creator]
        found, following = pagination.paginate(
            question, call.read(ask), cursor=which.cursor, limit=which.limit
        )
        return FeedsPage(items=[FeedOut.of(one) for one in found], next=following)

    @routes.get("/{feed_id}", response_model=FeedOut)
    def get_feed(feed_id: UUID, call: Annotated[ApiCall, can_read], response: Response) -> FeedOut:
        """Return one feed. Requires the `posts:read` scope."""
        found = call.read(lambda scope, sight: sources.get_feed(scope, sight.creators, feed_id))
        response.headers.update(etag_header(state_tag(*_feed_tag_fields(found))))
        return FeedOut.of(found)


def _add_feed_create_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=FeedOut)
    def follow_feed(
        body: FeedIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Follow a feed. Existing entries are skipped; new ones become drafts, up to a daily limit.
        Requests with the same URL refer to the same feed. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            return _build_feed_result(
                scope,
                sight,
                sources.add_feed(scope, creator.id, body.url, body.channels),
                "feed.add",
                status=201,
            )

        return call.apply_once(act)


def _add_feed_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))

    @routes.post("/{feed_id}/pause", response_model=FeedOut)
    def pause_feed(feed_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause a feed. Requires the `calendar:write` scope."""
        return _apply_feed_action(call, feed_id, "feed.pause", sources.pause_feed)

    @routes.post("/{feed_id}/resume", response_model=FeedOut)
    def resume_feed(feed_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resume a feed. It is read immediately and then at its normal interval. Requires the
        `calendar:write` scope."""
        return _apply_feed_action(call, feed_id, "feed.resume", sources.resume_feed)

    @routes.delete("/{feed_id}", response_model=FeedOut)
    def remove_feed(
        feed_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Stop following a feed. Its drafts are retained. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = sources.get_feed(scope, sight.creators, feed_id)
            call.check_state_tag(*_feed_tag_fields(found))
            sources.delete_feed(scope, found.creator_id, feed_id)
            return ChangeResult(FeedOut.of(found), "feed.remove", f"feed:{feed_id}")

        return call.apply(act)


def _apply_feed_action(
    call: ApiCall, feed_id: UUID, did: str, act: Callable[[Scope, UUID, UUID], None]
) -> Response:
    """Run an action on a feed once, at the state its caller saw."""

    def done(scope: Scope, sight: Caller) -> ChangeResult:
        found = sources.get_feed(scope, sight.creators, feed_id)
        call.check_state_tag(*_feed_tag_fields(found))
        act(scope, found.creator_id, feed_id)
        return _build_feed_result(scope, sight, feed_id, did)

    return call.apply_once(done)


def _feed_tag_fields(one: FeedView) -> tuple[object, ...]:
    """Return the values of the state tag. Reading the feed does not change them."""
    return one.id, one.url, one.channels, one.paused


def _build_feed_result(
    scope: Scope, sight: Caller, feed_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = sources.get_feed(scope, sight.creators, feed_id)
    headers = etag_header(state_tag(*_feed_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/feeds/{feed_id}"
    return ChangeResult(FeedOut.of(found), did, f"feed:{feed_id}", status, headers)
