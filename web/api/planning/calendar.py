"""The calendar in the API over a span of days: as JSON on any clock, as a table an import takes
back, for calendars."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import day_bounds, load_zone, local_day, to_wall_time
from schedules.calendar import exports, listings
from schedules.calendar.exports import MAX_EXPORT_WINDOW, ExportedPost, ExportFilter
from schedules.calendar.icalendar import render_icalendar
from schedules.calendar.listings import DeliveryFilter
from schedules.posts.queries import DeliveryEntry
from tenants.api_keys.keys import ApiKeyScope
from web.api.channels.router import find_channel
from web.api.common import pagination
from web.api.common.calls import ApiCall, Caller, read_dependency
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import Day, PageQuery, RequestModel, ZoneName
from web.api.posts.delivery_schemas import DeliveryOut, delivery_fields

DEFAULT_SPAN = timedelta(days=30)


class CalendarQuery(RequestModel):
    """Which days, `first` and `last` included, and of whom. Without days, a month from today;
    without a zone, that of the creator, or of the first in sight."""

    first: Day | None = None
    last: Day | None = None
    zone: ZoneName | None = None
    creator: UUID | None = None
    channel: UUID | None = None
    label: UUID | None = None


class CalendarPageQuery(CalendarQuery, PageQuery):
    """The same, page by page."""


class PlannedOut(DeliveryOut):
    """A delivery on the calendar, with its account, its words, and its day and hour on the clock
    that was asked for."""

    account: str
    title: str
    body: str
    day: date
    clock: Annotated[str, Field(examples=["18:30"])]

    @classmethod
    def at(cls, one: DeliveryEntry, zone: str) -> "PlannedOut":
        """Of the room's value, on a clock."""
        there = to_wall_time(one.due_at, zone)
        more = {"account": one.channel, "title": one.title, "body": one.body}
        return cls(**delivery_fields(one), **more, day=there.day, clock=f"{there.clock:%H:%M}")


class CalendarOut(BaseModel):
    """Days of the calendar by time, on the clock of `shown_in`; `next` is the cursor of the next
    page."""

    first: date
    last: date
    shown_in: str
    items: list[PlannedOut]
    next: str | None


@dataclass(frozen=True)
class CalendarSpan:
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
    _add_calendar_day_route(routes, tenant)
    _add_calendar_export_routes(routes, tenant)
    return routes


def _add_calendar_day_route(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/calendar", response_model=CalendarOut)
    def get_calendar(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))],
        which: Annotated[CalendarPageQuery, Query()],
    ) -> CalendarOut:
        """What goes where in these days, by time, on the clock that is asked for; nothing is
        planned anew by it. Needs `posts:read`."""
        asked = ["calendar", which.model_dump(mode="json", exclude={"cursor", "limit"})]
        after = pagination.decode_dated_cursor(asked, which.cursor)

        def ask(scope: Scope, sight: Caller) -> tuple[CalendarSpan, list[DeliveryEntry]]:
            span = _resolve_calendar_span(scope, sight, which)
            wanted = DeliveryFilter(
                channel_id=which.channel, label_id=which.label, since=span.start, before=span.end
            )
            return span, listings.list_deliveries(
                scope, span.creators, wanted, after=after, limit=which.limit
            )

        span, found = call.read(ask)
        place = (
            [found[-1].due_at.isoformat(), str(found[-1].delivery_id)]
            if len(found) == which.limit
            else None
        )
        items = [PlannedOut.at(one, span.zone) for one in found]
        following = pagination.encode_cursor(asked, place) if place is not None else None
        return CalendarOut(
            first=span.first, last=span.last, shown_in=span.zone, items=items, next=following
        )


def _add_calendar_export_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.POSTS_READ))

    @routes.get(
        "/calendar.csv",
        response_class=Response,
        responses={
            200: {
                "content": {"text/csv": {}},
                "description": "A table that `POST /imports` accepts.",
            }
        },
    )
    def get_calendar_csv(
        call: Annotated[ApiCall, can_read], which: Annotated[CalendarQuery, Query()]
    ) -> Response:
        """The posts of these days as a table (UTF-8), one line for a post at a time, each on the
        clock it is planned on. 422 for more than 20,000 places: nothing is left out in silence.
        Needs `posts:read`."""
        found = call.read(lambda scope, sight: _list_exported_posts(scope, sight, which))
        said = {
            asked: render_message(why, ERROR_LANGUAGE)
            for asked, why in exports.collect_reason_messages(found).items()
        }
        return Response(exports.render_csv(found, said), media_type="text/csv")

    @routes.get(
        "/calendar.ics",
        response_class=Response,
        responses={
            200: {
                "content": {"text/calendar": {}},
                "description": ("An iCalendar file (RFC 5545)."),
            }
        },
    )
    def get_calendar_ics(
        call: Annotated[ApiCall, can_read], which: Annotated[CalendarQuery, Query()]
    ) -> Response:
        """The same for calendars: an event for each delivery, with what the post says. Needs
        `posts:read`."""

        def ask(scope: Scope, sight: Caller) -> bytes:
            name = render_message(Message("files.calendar_name"), ERROR_LANGUAGE)
            return render_icalendar(
                _list_exported_posts(scope, sight, which), now=scope.now, name=name
            )

        return Response(call.read(ask), media_type="text/calendar")


def _list_exported_posts(scope: Scope, sight: Caller, which: CalendarQuery) -> list[ExportedPost]:
    span = _resolve_calendar_span(scope, sight, which)
    only = ExportFilter(which.channel, which.label)
    if (
        exports.count_export_rows(scope, span.creators, span.start, span.end, only=only)
        > exports.MAX_EXPORTED_DELIVERIES
    ):
        raise BadInput("files.window_too_full", most=exports.MAX_EXPORTED_DELIVERIES)
    return exports.load_export_rows(scope, span.creators, span.start, span.end, only=only)


def _resolve_calendar_span(scope: Scope, sight: Caller, which: CalendarQuery) -> CalendarSpan:
    """The days that are meant. Raises NotFound for whom this key may not see, BadInput for a span
    nobody has."""
    chosen = (
        list(sight.creators.values())
        if which.creator is None
        else [sight.get_creator(which.creator)]
    )
    if which.channel is not None:
        find_channel(scope, sight, which.channel)
    zone = which.zone or (chosen[0].zone if chosen else "UTC")
    load_zone(zone)
    first = which.first or local_day(scope.now, zone)
    last = which.last or first + DEFAULT_SPAN
    if last < first:
        raise BadInput("files.window_backwards")
    if last - first >= MAX_EXPORT_WINDOW:
        raise BadInput("files.window_too_long")
    return CalendarSpan(
        first,
        last,
        zone,
        tuple(one.id for one in chosen),
        day_bounds(first, zone)[0],
        day_bounds(last, zone)[1],
    )
