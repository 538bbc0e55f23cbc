"""API routes of series: recurring posts, changes from a date on, skipped dates, and the end of a
series."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from connectors.contract.connector import Connector
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from schedules.calendar import listings
from schedules.drafts import channel_requirements
from schedules.posts.states import SeriesState
from schedules.recurrence import detached_occurrences, queries, series
from schedules.recurrence.queries import SeriesRecord
from schedules.recurrence.series import SeriesUpdate
from tenants.api_keys.keys import ApiKeyScope
from web.api.common import pagination
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    ConflictStates,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.schemas import CreatorPageQuery, wall_time_in
from web.api.planning.request_schemas import SeriesChange, SeriesIn, SkipIn, first_occurrence
from web.api.planning.response_schemas import SeriesOut, SeriesPage
from web.api.posts.router import API_ORIGIN, post_result
from web.api.posts.schemas import PostWhole


def router(tenant: OpenScope, connectors: Mapping[str, Connector]) -> APIRouter:
    """Create the routes under `/series`."""
    routes = APIRouter(prefix="/series", tags=["series"])
    _add_series_read_routes(routes, tenant)
    _add_series_create_route(routes, tenant, connectors)
    _add_series_change_routes(routes, tenant, connectors)
    _add_series_date_routes(routes, tenant)
    return routes


def _add_series_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("", response_model=SeriesPage)
    def list_series(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> SeriesPage:
        """List series, newest first. Requires the `posts:read` scope."""
        question = ["series", which.creator]
        before = pagination.decode_dated_cursor(question, which.cursor)

        def ask(scope: Scope, sight: Caller) -> list[SeriesRecord]:
            seen = [one for one in sight.creators if which.creator in (None, one)]
            return queries.list_series_records(scope, seen, before=before, limit=which.limit)

        found = call.read(ask)
        place = (
            [found[-1].made_at.isoformat(), str(found[-1].series.id)]
            if len(found) == which.limit
            else None
        )
        following = None if place is None else pagination.encode_cursor(question, place)
        return SeriesPage(items=[SeriesOut.of(one) for one in found], next=following)

    @routes.get("/{series_id}", response_model=SeriesOut)
    def get_series(
        series_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> SeriesOut:
        """Return one series. Send its `ETag` in `If-Match` to change it. Requires the `posts:read`
        scope."""
        found = call.read(
            lambda scope, sight: queries.get_series_record(scope, sight.creators, series_id)
        )
        response.headers.update(etag_header(state_tag(*_series_tag_fields(found))))
        return SeriesOut.of(found)


def _add_series_create_route(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    @routes.post("", status_code=201, response_model=SeriesOut)
    def begin_series(
        body: SeriesIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.POSTS_WRITE))],
    ) -> Response:
        """Create a recurring post. Its first occurrence is scheduled immediately, those of the next
        ninety days shortly after. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(body.creator_id)
            repeat = body.repeat.to_repeat(wall_time_in(body.at, creator.zone))
            channel_requirements.check_override_places(scope, body.to_draft, connectors=connectors)
            planned = series.plan_series(
                scope,
                body.to_draft,
                repeat,
                key=uuid7(),
                author=scope.actor,
                confirmed=body.confirmed,
                origin=API_ORIGIN,
            )
            channel_requirements.check_post_requirements(
                scope, planned.post_id, connectors=connectors
            )
            return _build_newest_series_result(
                scope, sight, planned.post_id, "series.begin", status=201
            )

        return call.apply_once(act)


def _add_series_change_routes(
    routes: APIRouter, tenant: OpenScope, connectors: Mapping[str, Connector]
) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("/{series_id}/change", response_model=SeriesOut)
    def change_series(
        series_id: UUID, body: SeriesChange, call: Annotated[ApiCall, can_write]
    ) -> Response:
        """Change a date of a series and all following ones: the series ends before it, and the
        returned one begins. Published posts do not change. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            old = lock_seen_series(scope, sight, series_id, call)
            first = first_occurrence(body, sight.get_creator(old.creator_id).zone)
            rest = old.series.repeat.recurrence_from(body.day)
            start = first or rest.occurrence_on(body.day)
            now = body.repeat.to_repeat(start) if body.repeat is not None else rest
            if body.repeat is None and first is not None:
                now = replace(rest, starts_on=first.day, clock=first.clock, zone=first.zone)
            words = None
            if body.words is not None and body.words.model_fields_set:
                post = listings.get_post_detail(scope, sight.creators, old.post_id).listed.post
                words = body.words.apply_to(post)
                if body.words.otherwise is not None:
                    channel_requirements.check_override_places(scope, words, connectors=connectors)
            change = SeriesUpdate(
                now, words, tuple(body.channels) if body.channels is not None else None
            )
            made = series.change_following_occurrences(
                scope, series_id, body.day, change, author=scope.actor, confirmed=body.confirmed
            )
            channel_requirements.check_post_requirements(scope, made, connectors=connectors)
            return _build_newest_series_result(scope, sight, made, "series.change")

        return call.apply_once(act, where=series_states(series_id))


def _add_series_date_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.POSTS_WRITE))

    @routes.post("/{series_id}/skip", response_model=SeriesOut)
    def skip_date(series_id: UUID, body: SkipIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Skip one date of a series on all accounts. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            lock_seen_series(scope, sight, series_id, call)
            series.skip_occurrence(scope, series_id, body.day)
            return _build_series_result(scope, sight, series_id, "series.skip")

        return call.apply_once(act, where=series_states(series_id))

    @routes.post("/{series_id}/detach", status_code=201, response_model=PostWhole)
    def detach_date(series_id: UUID, body: SkipIn, call: Annotated[ApiCall, can_write]) -> Response:
        """Replace one date of a series with a separate post with the same content and time, and
        return it. It can be changed independently. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            lock_seen_series(scope, sight, series_id, call)
            made = detached_occurrences.detach_occurrence(
                scope, series_id, body.day, author=scope.actor
            )
            return post_result(scope, sight, made, "series.detach", status=201)

        return call.apply_once(act, where=series_states(series_id))

    @routes.post("/{series_id}/stop", response_model=SeriesOut)
    def stop_series(series_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Stop a series and cancel its upcoming deliveries. Requires the `posts:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            lock_seen_series(scope, sight, series_id, call)
            series.stop_series(scope, series_id)
            return _build_series_result(scope, sight, series_id, "series.stop")

        return call.apply_once(act, where=series_states(series_id))


def lock_seen_series(scope: Scope, sight: Caller, series_id: UUID, call: ApiCall) -> SeriesRecord:
    """Lock a series at the state its caller saw. Raises NotFound or StaleVersion."""
    series.lock_series_planning(
        scope, queries.get_series_record(scope, sight.creators, series_id).creator_id
    )
    series.get_series(scope, series_id, lock=True)
    found = queries.get_series_record(scope, sight.creators, series_id)
    call.check_state_tag(*_series_tag_fields(found))
    return found


def _series_tag_fields(one: SeriesRecord) -> tuple[object, ...]:
    """Return the values of the state tag. A new occurrence does not change them."""
    known = one.series
    repeat = one.series.repeat
    stopped = known.state is SeriesState.STOPPED
    return (
        known.id,
        str(repeat.rule),
        repeat.starts_on,
        repeat.clock,
        repeat.zone,
        one.skipped,
        one.channels,
        stopped,
    )


def _build_newest_series_result(
    scope: Scope, sight: Caller, post_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    """Respond with the newest series of a post."""
    return _build_series_result(
        scope, sight, queries.series_of_post_views(scope, post_id)[-1].id, did, status=status
    )


def _build_series_result(
    scope: Scope, sight: Caller, series_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    found = queries.get_series_record(scope, sight.creators, series_id)
    headers = etag_header(state_tag(*_series_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/series/{series_id}"
    return ChangeResult(SeriesOut.of(found), did, f"series:{series_id}", status, headers)


def series_states(series_id: UUID) -> ConflictStates:
    """Return the function that reads the state of a series for a conflict response."""

    def ask(scope: Scope, sight: Caller) -> dict[str, str]:
        return {
            str(series_id): str(
                queries.get_series_record(scope, sight.creators, series_id).series.state
            )
        }

    return ask
