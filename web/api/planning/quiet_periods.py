"""API routes of quiet periods and pauses: times without posts, and the moves of the posts scheduled
in them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from schedules.availability import quiet_periods
from schedules.availability.quiet_periods import QuietPeriod
from schedules.rescheduling import pauses
from schedules.rescheduling.bulk_moves import MovePreview
from schedules.rescheduling.pauses import PostingPause
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
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
from web.api.common.schemas import CreatorPageQuery, parse_clock
from web.api.planning.request_schemas import PauseDays, PauseIn, QuietIn
from web.api.planning.response_schemas import (
    LeftOut,
    MovedOut,
    MovePreviewOut,
    MovingOut,
    PauseOut,
    QuietOut,
    QuietPage,
)


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/quiet` and `/pauses`."""
    routes = APIRouter(tags=["quiet"])
    _add_quiet_period_routes(routes, tenant)
    _add_pause_read_routes(routes, tenant)
    _add_pause_action_routes(routes, tenant)
    return routes


def _add_quiet_period_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))
    can_write = ApiKeyScope.CALENDAR_WRITE

    @routes.get("/quiet", response_model=QuietPage)
    def list_quiet(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> QuietPage:
        """List current and future quiet periods. Requires the `posts:read` scope."""
        return _load_quiet_page(call, which, pause=False)

    @routes.post("/quiet", status_code=201, response_model=QuietOut)
    def keep_quiet(
        body: QuietIn, call: Annotated[ApiCall, Depends(create_dependency(tenant, can_write))]
    ) -> Response:
        """Create a quiet period of dates or hours. Queues skip it, and members who schedule a post
        in it are warned. Posts that are already scheduled do not change. Requires the
        `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            return _build_quiet_result(
                _create_quiet_period(scope, sight, body), "quiet.keep", status=201
            )

        return call.apply_once(act)

    @routes.get("/quiet/{quiet_id}", response_model=QuietOut)
    def get_quiet(
        quiet_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> QuietOut:
        """Return one quiet period. Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: _get_visible_quiet_period(scope, sight, quiet_id, pause=False)
        )
        response.headers.update(etag_header(state_tag(found)))
        return QuietOut.of(found)

    @routes.delete("/quiet/{quiet_id}", response_model=QuietOut)
    def forget_quiet(
        quiet_id: UUID, call: Annotated[ApiCall, Depends(replace_dependency(tenant, can_write))]
    ) -> Response:
        """Delete a quiet period. Scheduled posts do not change. Requires the `calendar:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _get_visible_quiet_period(scope, sight, quiet_id, pause=False)
            call.check_state_tag(found)
            quiet_periods.delete_quiet_period(scope, quiet_id)
            return _build_quiet_result(found, "quiet.forget")

        return call.apply(act)


def _create_quiet_period(scope: Scope, sight: Caller, body: QuietIn) -> QuietPeriod:
    """Create a quiet period. Raises BadInput unless the request has either dates or hours, and
    NotFound."""
    creator = sight.get_creator(body.creator_id)
    _check_channel(scope, sight, body.channel_id)
    zone = body.zone or creator.zone
    dates = (body.first, body.last)
    hours = (body.start, body.end)
    match dates, hours:
        case (first, last), (None, None) if (
            first is not None and last is not None and body.weekday is None
        ):
            return quiet_periods.add_quiet_days(
                scope,
                creator.id,
                body.channel_id,
                label=body.label,
                zone=zone,
                first=first,
                last=last,
            )
        case (None, None), (start, end) if start is not None and end is not None:
            return quiet_periods.add_quiet_hours(
                scope,
                creator.id,
                body.channel_id,
                label=body.label,
                zone=zone,
                weekday=body.weekday,
                start=parse_clock(start),
                end=parse_clock(end),
            )
    raise BadInput("api.no_period")


def _check_channel(scope: Scope, sight: Caller, channel_id: UUID | None) -> None:
    if channel_id is not None:
        find_channel(scope, sight, channel_id)


def _add_pause_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get("/pauses", response_model=QuietPage)
    def list_pauses(
        call: Annotated[ApiCall, can_read], which: Annotated[CreatorPageQuery, Query()]
    ) -> QuietPage:
        """List current and future pauses. Requires the `posts:read` scope."""
        return _load_quiet_page(call, which, pause=True)

    @routes.get("/pauses/preview", response_model=MovePreviewOut)
    def preview_pause(
        call: Annotated[ApiCall, can_read], days: Annotated[PauseDays, Query()]
    ) -> MovePreviewOut:
        """Preview the moves that a pause would cause. Requires the `posts:read` scope."""

        def ask(scope: Scope, sight: Caller) -> MovePreview:
            return pauses.preview_pause(scope, _build_posting_pause(scope, sight, days, ""))

        found = call.read(ask)
        return MovePreviewOut.of(found)

    @routes.get("/pauses/{pause_id}", response_model=QuietOut)
    def get_pause(
        pause_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> QuietOut:
        """Return one pause. Requires the `posts:read` scope."""
        found = call.read(
            lambda scope, sight: _get_visible_quiet_period(scope, sight, pause_id, pause=True)
        )
        response.headers.update(etag_header(state_tag(found)))
        return QuietOut.of(found)


def _build_posting_pause(scope: Scope, sight: Caller, days: PauseDays, words: str) -> PostingPause:
    creator = sight.get_creator(days.creator_id)
    _check_channel(scope, sight, days.channel_id)
    return PostingPause(
        creator.id, days.channel_id, days.first, days.last, days.zone or creator.zone, words
    )


def _add_pause_action_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/pauses", status_code=201, response_model=PauseOut)
    def begin_pause(
        body: PauseIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """Create a pause and move its posts as previewed. Requires the `calendar:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            wanted = _build_posting_pause(scope, sight, body, body.words)
            made, done = pauses.start_pause(scope, wanted, seen=body.seen)
            found = quiet_periods.get_quiet_period(scope, made)
            moved = MovedOut.of(None, done.moved, done.left)
            out = [LeftOut.of(one) for one in done.out]
            told = PauseOut(pause=QuietOut.of(found), moved=moved.moved, left=moved.left, out=out)
            headers = {**etag_header(state_tag(found)), "location": f"/v1/pauses/{made}"}
            return ChangeResult(told, "pause.begin", f"pause:{made}", 201, headers)

        return call.apply_once(act)

    @routes.post("/pauses/{pause_id}/end", response_model=PauseOut)
    def end_pause(
        pause_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.CALENDAR_WRITE))],
    ) -> Response:
        """End a pause. If it has not started yet, its posts return to their old times. Otherwise
        they keep their new times, and the queue can be moved forward. Requires the `calendar:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _get_visible_quiet_period(scope, sight, pause_id, pause=True)
            call.check_state_tag(found)
            back = MovePreview((), ())
            if pauses.has_pause_started(scope, found):
                pauses.end_pause(scope, pause_id)
            else:
                back = pauses.cancel_pause(scope, pause_id)
            moved = [MovingOut.of(one) for one in back.moving]
            told = PauseOut(
                pause=QuietOut.of(found),
                moved=moved,
                left=[LeftOut.of(one) for one in back.left],
                out=[],
            )
            return ChangeResult(told, "pause.end", f"pause:{pause_id}")

        return call.apply_once(act)


def _load_quiet_page(call: ApiCall, which: CreatorPageQuery, *, pause: bool) -> QuietPage:
    def ask(scope: Scope, sight: Caller) -> list[QuietPeriod]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        known = (
            one for one in quiet_periods.list_quiet_periods(scope, seen) if not one.country
        )  # public holidays have their own route, `/holidays`
        return [one for one in known if (one.shift_id is not None) == pause]

    question = ["pauses" if pause else "quiet", which.creator]
    found, following = pagination.paginate(
        question, call.read(ask), cursor=which.cursor, limit=which.limit
    )
    return QuietPage(items=[QuietOut.of(one) for one in found], next=following)


def _get_visible_quiet_period(
    scope: Scope, sight: Caller, quiet_id: UUID, *, pause: bool
) -> QuietPeriod:
    """Return a quiet period or pause. Raises the same NotFound for an unknown one and for one of
    another creator or tenant."""
    found = quiet_periods.get_quiet_period(scope, quiet_id)
    if found.creator_id not in sight.creators or (found.shift_id is not None) != pause:
        raise NotFound("quiet.unknown")
    return found


def _build_quiet_result(found: QuietPeriod, did: str, *, status: int = 200) -> ChangeResult:
    headers = etag_header(state_tag(found))
    if status == 201:
        headers["location"] = f"/v1/quiet/{found.id}"
    return ChangeResult(QuietOut.of(found), did, f"quiet:{found.id}", status, headers)
