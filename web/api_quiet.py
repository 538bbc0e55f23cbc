"""Quiet days and hours, and pauses, in the API: when nothing is to be posted, and where what was planned goes."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from schedules import pausing, quiet
from schedules.pausing import Pause
from schedules.quiet import Quiet
from schedules.shifting import Preview
from tenants.keys import KeyScope
from web import api_cursor
from web.api_accounts import account
from web.api_call import Call, Done, Sight, doing, etag, making, reading, rewriting, tag
from web.api_inputs import PageIn
from web.api_plan_inputs import PauseDays, PauseIn, QuietIn, clock_of
from web.api_plan_models import LeftOut, MovedOut, MovingOut, PauseOut, PreviewOut, QuietOut, QuietPage


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/quiet` and `/pauses`."""
    routes = APIRouter(tags=["quiet"])
    _periods(routes, tenant)
    _previews(routes, tenant)
    _pauses(routes, tenant)
    return routes


def _periods(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))
    can_write = KeyScope.CALENDAR_WRITE

    @routes.get("/quiet", response_model=QuietPage)
    def list_quiet(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> QuietPage:
        """Days and hours without posts that are not over. Needs `posts:read`."""
        return _page(call, which, pause=False)

    @routes.post("/quiet", status_code=201, response_model=QuietOut)
    def keep_quiet(body: QuietIn, call: Annotated[Call, Depends(making(tenant, can_write))]) -> Response:
        """Keep dates or hours free: queues skip them, planning by hand is warned. What is planned in them stays.
        Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            return _one(_keep(scope, sight, body), "quiet.keep", status=201)

        return call.once(act)

    @routes.get("/quiet/{quiet_id}", response_model=QuietOut)
    def get_quiet(quiet_id: UUID, call: Annotated[Call, can_read], response: Response) -> QuietOut:
        """One period. Needs `posts:read`."""
        found = call.read(lambda scope, sight: _known(scope, sight, quiet_id, pause=False))
        response.headers.update(etag(tag(found)))
        return QuietOut.of(found)

    @routes.delete("/quiet/{quiet_id}", response_model=QuietOut)
    def forget_quiet(quiet_id: UUID, call: Annotated[Call, Depends(rewriting(tenant, can_write))]) -> Response:
        """Take a period away; what was planned stays where it is. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            found = _known(scope, sight, quiet_id, pause=False)
            call.saw(found)
            quiet.forget(scope, quiet_id)
            return _one(found, "quiet.forget")

        return call.change(act)


def _keep(scope: Scope, sight: Sight, body: QuietIn) -> Quiet:
    """Raises BadInput for neither dates nor hours, and for both; NotFound."""
    creator = sight.creator(body.creator_id)
    _account(scope, sight, body.channel_id)
    zone = body.zone or creator.zone
    dates, hours = (body.first, body.last), (body.start, body.end)
    match dates, hours:
        case (first, last), (None, None) if first is not None and last is not None and body.weekday is None:
            return quiet.keep_days(
                scope, creator.id, body.channel_id, label=body.label, zone=zone, first=first, last=last
            )
        case (None, None), (start, end) if start is not None and end is not None:
            return quiet.keep_hours(
                scope,
                creator.id,
                body.channel_id,
                label=body.label,
                zone=zone,
                weekday=body.weekday,
                start=clock_of(start),
                end=clock_of(end),
            )
    raise BadInput("api.no_period")


def _account(scope: Scope, sight: Sight, channel_id: UUID | None) -> None:
    if channel_id is not None:
        account(scope, sight, channel_id)


def _previews(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get("/pauses", response_model=QuietPage)
    def list_pauses(call: Annotated[Call, can_read], which: Annotated[PageIn, Query()]) -> QuietPage:
        """Pauses that are not over. Needs `posts:read`."""
        return _page(call, which, pause=True)

    @routes.get("/pauses/preview", response_model=PreviewOut)
    def preview_pause(call: Annotated[Call, can_read], days: Annotated[PauseDays, Query()]) -> PreviewOut:
        """What a pause would move where; nothing is done. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> Preview:
            return pausing.preview(scope, _wanted(scope, sight, days, ""))

        found = call.read(ask)
        return PreviewOut.of(found)

    @routes.get("/pauses/{pause_id}", response_model=QuietOut)
    def get_pause(pause_id: UUID, call: Annotated[Call, can_read], response: Response) -> QuietOut:
        """One pause. Needs `posts:read`."""
        found = call.read(lambda scope, sight: _known(scope, sight, pause_id, pause=True))
        response.headers.update(etag(tag(found)))
        return QuietOut.of(found)


def _wanted(scope: Scope, sight: Sight, days: PauseDays, words: str) -> Pause:
    creator = sight.creator(days.creator_id)
    _account(scope, sight, days.channel_id)
    return Pause(creator.id, days.channel_id, days.first, days.last, days.zone or creator.zone, words)


def _pauses(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/pauses", status_code=201, response_model=PauseOut)
    def begin_pause(body: PauseIn, call: Annotated[Call, Depends(making(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """Announce a pause, and move what lies in it as it was seen in the preview. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            wanted = _wanted(scope, sight, body, body.words)
            made, done = pausing.pause(scope, wanted, seen=body.seen)
            found = quiet.period(scope, made)
            moved = MovedOut.of(None, done.moved, done.left)
            out = [LeftOut.of(one) for one in done.out]
            told = PauseOut(pause=QuietOut.of(found), moved=moved.moved, left=moved.left, out=out)
            headers = {**etag(tag(found)), "location": f"/v1/pauses/{made}"}
            return Done(told, "pause.begin", f"pause:{made}", 201, headers)

        return call.once(act)

    @routes.post("/pauses/{pause_id}/end", response_model=PauseOut)
    def end_pause(pause_id: UUID, call: Annotated[Call, Depends(doing(tenant, KeyScope.CALENDAR_WRITE))]) -> Response:
        """End a pause. Before its first day what it moved goes back; later that stays, and a queue may be pulled
        forward. Needs `calendar:write`."""

        def act(scope: Scope, sight: Sight) -> Done:
            found = _known(scope, sight, pause_id, pause=True)
            call.saw(found)
            back = Preview((), ())
            if pausing.begun(scope, found):
                pausing.come_back(scope, pause_id)
            else:
                back = pausing.call_off(scope, pause_id)
            moved = [MovingOut.of(one) for one in back.moving]
            told = PauseOut(pause=QuietOut.of(found), moved=moved, left=[LeftOut.of(one) for one in back.left], out=[])
            return Done(told, "pause.end", f"pause:{pause_id}")

        return call.once(act)


def _page(call: Call, which: PageIn, *, pause: bool) -> QuietPage:
    def ask(scope: Scope, sight: Sight) -> list[Quiet]:
        seen = [one for one in sight.creators if which.creator in (None, one)]
        known = (one for one in quiet.periods(scope, seen) if not one.country)  # those are under `/holidays`
        return [one for one in known if (one.shift_id is not None) == pause]

    question = ["pauses" if pause else "quiet", which.creator]
    found, following = api_cursor.page(question, call.read(ask), cursor=which.cursor, limit=which.limit)
    return QuietPage(items=[QuietOut.of(one) for one in found], next=following)


def _known(scope: Scope, sight: Sight, quiet_id: UUID, *, pause: bool) -> Quiet:
    """Raises NotFound, in the same words for none, another agency's and another creator's."""
    found = quiet.period(scope, quiet_id)
    if found.creator_id not in sight.creators or (found.shift_id is not None) != pause:
        raise NotFound("quiet.unknown")
    return found


def _one(found: Quiet, did: str, *, status: int = 200) -> Done:
    headers = etag(tag(found))
    if status == 201:
        headers["location"] = f"/v1/quiet/{found.id}"
    return Done(QuietOut.of(found), did, f"quiet:{found.id}", status, headers)
