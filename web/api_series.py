"""Series in the API: a post that leaves again and again, changed from a date on, left out once, stopped."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from connectors.contract import Connector
from foundation.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules import listing, selling, series, series_apart, series_listing, series_reads
from schedules.series import Change
from schedules.series_listing import Listed
from schedules.states import SeriesState
from tenants.keys import KeyScope
from web import api_cursor
from web.api_call import Call, Done, Sight, Where, doing, etag, making, reading, tag
from web.api_inputs import PageIn, wall_of
from web.api_models import PostWhole
from web.api_plan_inputs import SeriesChange, SeriesIn, SkipIn, first_of
from web.api_plan_models import SeriesOut, SeriesPage
from web.api_posts import ORIGIN, answered


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """The routes under `/series`."""
    routes = APIRouter(prefix="/series", tags=["series"])
    _reads(routes, tenant)
    _begins(routes, tenant, connectors)
    _changes(routes, tenant, connectors)
    _dates(routes, tenant)
    return routes


def _reads(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("", response_model=SeriesPage)
    def list_series(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> SeriesPage:
        """Posts that repeat, the newest first. Needs `posts:read`."""
        question = ["series", which.creator]
        before = api_cursor.read_dated(question, which.cursor)

        def ask(scope: Scope, sight: Sight) -> list[Listed]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return series_listing.listed(scope, seen, before=before, limit=which.limit)

        found = call.read(ask)
        place = [found[-1].made_at.isoformat(), str(found[-1].series.id)] if len(found) == which.limit else None
        following = None if place is None else api_cursor.write(question, place)
        return SeriesPage(items=[SeriesOut.of(one) for one in found], next=following)

    @routes.get("/{series_id}", response_model=SeriesOut)
    def get_series(series_id: UUID, call: Annotated[Call, can_read], response: Response) -> SeriesOut:
        """One series. Its `ETag` is what a change names in `If-Match`. Needs `posts:read`."""
        found = call.read(lambda scope, sight: series_listing.one(scope, sight.creators, series_id))
        response.headers.update(etag(tag(*_stands(found))))
        return SeriesOut.of(found)


def _begins(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    @routes.post("", status_code=201, response_model=SeriesOut)
    def begin_series(body: SeriesIn, call: Annotated[Call, Depends(making(tenant, KeyScope.POSTS_WRITE))]) -> Response:
        """Write a post that repeats. Its first time is on the calendar at once, the others of the next ninety days a
        moment later. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            creator = sight.creator(body.creator_id)
            repeat = body.repeat.repeat(wall_of(body.at, creator.zone))
            selling.check_places(scope, body.draft, connectors=connectors)
            planned = series.plan(
                scope,
                body.draft,
                repeat,
                key=uuid7(),
                author=scope.actor,
                confirmed=body.confirmed,
                origin=ORIGIN,
            )
            selling.check(scope, planned.post_id, connectors=connectors)
            return _newest(scope, sight, planned.post_id, "series.begin", status=201)

        return call.once(act)


def _changes(routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]) -> None:
    can_write = Depends(doing(tenant, KeyScope.POSTS_WRITE))

    @routes.post("/{series_id}/change", response_model=SeriesOut)
    def change_series(series_id: UUID, body: SeriesChange, call: Annotated[Call, can_write]) -> Response:
        """Change this date and all that follow: the series ends before it, and the one that is answered begins.
        What has left stays. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            old = as_seen(scope, sight, series_id, call)
            first = first_of(body, sight.creator(old.creator_id).zone)
            rest = old.series.repeat.following(body.day)
            start = first or rest.at(body.day)
            now = body.repeat.repeat(start) if body.repeat is not None else rest
            if body.repeat is None and first is not None:
                now = replace(rest, starts_on=first.day, clock=first.clock, zone=first.zone)
            words = None
            if body.words is not None and body.words.model_fields_set:
                post = listing.whole(scope, sight.creators, old.post_id).listed.post
                words = body.words.draft(post)
                if body.words.otherwise is not None:
                    selling.check_places(scope, words, connectors=connectors)
            change = Change(now, words, tuple(body.channels) if body.channels is not None else None)
            made = series.change_following(
                scope, series_id, body.day, change, author=scope.actor, confirmed=body.confirmed
            )
            selling.check(scope, made, connectors=connectors)
            return _newest(scope, sight, made, "series.change")

        return call.once(act, where=where_stands(series_id))


def _dates(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(doing(tenant, KeyScope.POSTS_WRITE))

    @routes.post("/{series_id}/skip", response_model=SeriesOut)
    def skip_date(series_id: UUID, body: SkipIn, call: Annotated[Call, can_write]) -> Response:
        """Leave one of its dates out, on every account. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            as_seen(scope, sight, series_id, call)
            series.skip(scope, series_id, body.day)
            return _whole(scope, sight, series_id, "series.skip")

        return call.once(act, where=where_stands(series_id))

    @routes.post("/{series_id}/detach", status_code=201, response_model=PostWhole)
    def detach_date(series_id: UUID, body: SkipIn, call: Annotated[Call, can_write]) -> Response:
        """Leave one of its dates out, and answer with a post of its own that says the same there and then: change its
        words, and those of the other dates stay. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            as_seen(scope, sight, series_id, call)
            made = series_apart.detach(scope, series_id, body.day, author=scope.actor)
            return answered(scope, sight, made, "series.detach", status=201)

        return call.once(act, where=where_stands(series_id))

    @routes.post("/{series_id}/stop", response_model=SeriesOut)
    def stop_series(series_id: UUID, call: Annotated[Call, can_write]) -> Response:
        """Make no more of it, and take what is still ahead off the calendar. Needs `posts:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            as_seen(scope, sight, series_id, call)
            series.stop(scope, series_id)
            return _whole(scope, sight, series_id, "series.stop")

        return call.once(act, where=where_stands(series_id))


def as_seen(scope: Scope, sight: Sight, series_id: UUID, call: Call) -> Listed:
    """Hold a series as its caller saw it. Raises NotFound, Stale."""
    series.alone(scope, series_listing.one(scope, sight.creators, series_id).creator_id)
    series.series(scope, series_id, lock=True)
    found = series_listing.one(scope, sight.creators, series_id)
    call.saw(*_stands(found))
    return found


def _stands(one: Listed) -> tuple[object, ...]:
    """What somebody may change about a series; that its last delivery was made is no change."""
    known, repeat = one.series, one.series.repeat
    stopped = known.state is SeriesState.STOPPED
    return known.id, str(repeat.rule), repeat.starts_on, repeat.clock, repeat.zone, one.skipped, one.channels, stopped


def _newest(scope: Scope, sight: Sight, post_id: UUID, did: str, *, status: int = 200) -> Done:
    """Answer with the last series of a post."""
    return _whole(scope, sight, series_reads.of_post(scope, post_id)[-1].id, did, status=status)


def _whole(scope: Scope, sight: Sight, series_id: UUID, did: str, *, status: int = 200) -> Done:
    found = series_listing.one(scope, sight.creators, series_id)
    headers = etag(tag(*_stands(found)))
    if status == 201:
        headers["location"] = f"/v1/series/{series_id}"
    return Done(SeriesOut.of(found), did, f"series:{series_id}", status, headers)


def where_stands(series_id: UUID) -> Where:
    """Where a series stands, for a conflict."""

    def ask(scope: Scope, sight: Sight) -> dict[str, str]:
        return {str(series_id): str(series_listing.one(scope, sight.creators, series_id).series.state)}

    return ask
