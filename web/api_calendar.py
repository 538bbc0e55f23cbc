"""The calendar in the API over a span of days: as JSON on any clock, as a table an import takes back, for calendars."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.words import Message, say
from schedules import exports, listing
from schedules.calendar import bounds, local_day, local_wall, zone_of
from schedules.exports import LONGEST_WINDOW, Line, Only
from schedules.listing import Wanted
from schedules.reads import Entry
from tenants.keys import KeyScope
from web import api_cursor
from web.api_accounts import account
from web.api_call import Call, Sight, reading
from web.api_errors import LANGUAGE
from web.api_inputs import In, RowsIn
from web.api_models import DeliveryOut, said_of
from web.api_plan_inputs import Day, Zone

USUAL = timedelta(days=30)


class SpanWanted(In):
    """Which days, `first` and `last` included, and of whom. Without days, a month from today; without a zone, that of
    the creator, or of the first in sight."""

    first: Day | None = None
    last: Day | None = None
    zone: Zone | None = None
    creator: UUID | None = None
    channel: UUID | None = None
    label: UUID | None = None


class DaysWanted(SpanWanted, RowsIn):
    """The same, page by page."""


class PlannedOut(DeliveryOut):
    """A delivery on the calendar, with its account, its words, and its day and hour on the clock that was asked for."""

    account: str
    title: str
    body: str
    day: date
    clock: Annotated[str, Field(examples=["18:30"])]

    @classmethod
    def at(cls, one: Entry, zone: str) -> "PlannedOut":
        """Of the room's value, on a clock."""
        there = local_wall(one.due_at, zone)
        more = {"account": one.channel, "title": one.title, "body": one.body}
        return cls(**said_of(one), **more, day=there.day, clock=f"{there.clock:%H:%M}")


class CalendarOut(BaseModel):
    """Days of the calendar by time, on the clock of `shown_in`; `next` is the cursor of the next page."""

    first: date
    last: date
    shown_in: str
    items: list[PlannedOut]
    next: str | None


@dataclass(frozen=True)
class Span:
    """Days on a clock, of these creators; the instants are UTC-aware."""

    first: date
    last: date
    zone: str
    creators: tuple[UUID, ...]
    start: datetime
    end: datetime


def router(tenant: OpenScope) -> APIRouter:
    """The routes under `/calendar`."""
    routes = APIRouter(tags=["calendar"])
    _days(routes, tenant)
    _files(routes, tenant)
    return routes


def _days(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/calendar", response_model=CalendarOut)
    def get_calendar(
        call: Annotated[Call, Depends(reading(tenant, KeyScope.POSTS_READ))], which: Annotated[DaysWanted, Query()]
    ) -> CalendarOut:
        """What goes where in these days, by time, on the clock that is asked for; nothing is planned anew by it.
        Needs `posts:read`."""
        asked = ["calendar", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        after = api_cursor.read_dated(asked, which.cursor)

        def ask(scope: Scope, sight: Sight) -> tuple[Span, list[Entry]]:
            span = _span(scope, sight, which)
            wanted = Wanted(channel_id=which.channel, label_id=which.label, since=span.start, before=span.end)
            return span, listing.deliveries(scope, span.creators, wanted, after=after, limit=which.limit)

        span, found = call.read(ask)
        place = [found[-1].due_at.isoformat(), str(found[-1].delivery_id)] if len(found) == which.limit else None
        items = [PlannedOut.at(one, span.zone) for one in found]
        following = api_cursor.write(asked, place) if place is not None else None
        return CalendarOut(first=span.first, last=span.last, shown_in=span.zone, items=items, next=following)


def _files(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(reading(tenant, KeyScope.POSTS_READ))

    @routes.get(
        "/calendar.csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}, "description": "A table that `POST /imports` takes back."}},
    )
    def get_calendar_csv(call: Annotated[Call, can_read], which: Annotated[SpanWanted, Query()]) -> Response:
        """The posts of these days as a table (UTF-8), one line for a post at a time, each on the clock it is planned
        on. 422 for more than 20,000 places: nothing is left out in silence. Needs `posts:read`."""
        found = call.read(lambda scope, sight: _lines(scope, sight, which))
        said = {asked: say(why, LANGUAGE) for asked, why in exports.reasons(found).items()}
        return Response(exports.table(found, said), media_type="text/csv")

    @routes.get(
        "/calendar.ics",
        response_class=Response,
        responses={200: {"content": {"text/calendar": {}}, "description": "An iCalendar (RFC 5545)."}},
    )
    def get_calendar_ics(call: Annotated[Call, can_read], which: Annotated[SpanWanted, Query()]) -> Response:
        """The same for calendars: an event for each delivery, with what the post says. Needs `posts:read`."""

        def ask(scope: Scope, sight: Sight) -> bytes:
            name = say(Message("files.calendar_name"), LANGUAGE)
            return exports.ics(_lines(scope, sight, which), now=scope.now, name=name)

        return Response(call.read(ask), media_type="text/calendar")


def _lines(scope: Scope, sight: Sight, which: SpanWanted) -> list[Line]:
    span, only = _span(scope, sight, which), Only(which.channel, which.label)
    if exports.count(scope, span.creators, span.start, span.end, only=only) > exports.MOST:
        raise BadInput("files.window_too_full", most=exports.MOST)
    return exports.lines(scope, span.creators, span.start, span.end, only=only)


def _span(scope: Scope, sight: Sight, which: SpanWanted) -> Span:
    """The days that are meant. Raises NotFound for whom this key may not see, BadInput for a span nobody has."""
    chosen = list(sight.creators.values()) if which.creator is None else [sight.creator(which.creator)]
    if which.channel is not None:
        account(scope, sight, which.channel)
    zone = which.zone or (chosen[0].zone if chosen else "UTC")
    zone_of(zone)
    first = which.first or local_day(scope.now, zone)
    last = which.last or first + USUAL
    if last < first:
        raise BadInput("files.window_backwards")
    if last - first >= LONGEST_WINDOW:
        raise BadInput("files.window_too_long")
    return Span(first, last, zone, tuple(one.id for one in chosen), bounds(first, zone)[0], bounds(last, zone)[1])
