"""Feeds in the API: pages elsewhere whose new entries become drafts."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from schedules import feeds
from schedules.feeds import Subscribed
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, doing, etag, making, reading, rewriting, tag
from web.api_inputs import PageIn
from web.api_plan_inputs import FeedIn
from web.api_plan_models import FeedOut, FeedsPage


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/feeds`."""
    routes = APIRouter(prefix="/feeds", tags=["feeds"])
    _reads(routes, tenant)
    _adds(routes, tenant)
    _acts(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=FeedsPage)
    def list_feeds(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> FeedsPage:
        """Feeds, and when each is read next. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> list[Subscribed]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return [feed for creator_id in seen for feed in feeds.subscribed(scope, creator_id)]

        question = ["feeds", which.creator]
        found, following = api_cursor.page(question, call.read(ask), cursor=which.cursor, limit=which.limit)
        return FeedsPage(items=[FeedOut.of(one) for one in found], next=following)

    @routes.get("/{feed_id}", response_model=FeedOut)
    def get_feed(feed_id: UUID, call: Annotated[Call, can_read], response: Response) -> FeedOut:
        """One feed. Needs `posts:read`."""
        found = call.read(lambda scope, sight: feeds.one(scope, sight.creators, feed_id))
        response.headers.update(etag(tag(*_stands(found))))
        return FeedOut.of(found)


def _adds(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("", status_code=201, response_model=FeedOut)
    def follow_feed(body: FeedIn, call: Annotated[Call, Depends(making(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """Follow a feed: what stands there now is old, each new entry becomes a draft, a few a day. The same address is
        the same feed. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            creator = sight.creator(body.creator_id)
            return _whole(scope, sight, feeds.add(scope, creator.id, body.url, body.channels), "feed.add", status=201)

        return call.once(act)


def _acts(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.CALENDAR_WRITE))

    @routes.post("/{feed_id}/pause", response_model=FeedOut)
    def pause_feed(feed_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Read it no more until it is resumed. Needs `calendar:write`."""
        return _on(call, feed_id, "feed.pause", feeds.pause)

    @routes.post("/{feed_id}/resume", response_model=FeedOut)
    def resume_feed(feed_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Read it now, and then at its pace. Needs `calendar:write`."""
        return _on(call, feed_id, "feed.resume", feeds.resume)

    @routes.delete("/{feed_id}", response_model=FeedOut)
    def remove_feed(
        feed_id: UUID, call: Annotated[Call, Depends(rewriting(tenant, KeyScope.CALENDAR_WRITE))]
    ) -> Response:
        """Follow it no more; its drafts stay. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            found = feeds.one(scope, sight.creators, feed_id)
            call.saw(*_stands(found))
            feeds.remove(scope, found.creator_id, feed_id)
            return Done(FeedOut.of(found), "feed.remove", f"feed:{feed_id}")

        return call.change(act)


def _on(call: Call, feed_id: UUID, did: str, act: Callable[[Scope, UUID, UUID], None]) -> Response:
    """Do something to a feed as its caller saw it, once."""

    def done(scope: Scope, sight: Sight) -> Done:
        found = feeds.one(scope, sight.creators, feed_id)
        call.saw(*_stands(found))
        act(scope, found.creator_id, feed_id)
        return _whole(scope, sight, feed_id, did)

    return call.once(done)


def _stands(one: Subscribed) -> tuple[object, ...]:
    """What somebody may change about it; that it was read is no change."""
    return one.id, one.url, one.channels, one.paused


def _whole(scope: Scope, sight: Sight, feed_id: UUID, did: str, *, status: int = 200) -> Done:
    scope.session.flush()
    found = feeds.one(scope, sight.creators, feed_id)
    headers = etag(tag(*_stands(found)))
    if status == 201:
        headers["location"] = f"/v1/feeds/{feed_id}"
    return Done(FeedOut.of(found), did, f"feed:{feed_id}", status, headers)
