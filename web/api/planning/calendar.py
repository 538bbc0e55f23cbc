"""API routes of the calendar for a range of days: as JSON in any time zone, as CSV that an import
accepts, and as iCalendar."""

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
    """The days (`first` and `last` are included) and filters. The default is a month from today.
    `zone` defaults to the time zone of the creator, or of the first accessible one."""

    first: Day | None = None
    last: Day | None = None
    zone: ZoneName | None = None
    creator: UUID | None = None
    channel: UUID | None = None
    label: UUID | None = None


class CalendarPageQuery(CalendarQuery, PageQuery):
    """One page of the calendar."""


class PlannedOut(DeliveryOut):
    """A delivery on the calendar with its account and text. `day` and `clock` are in the requested
    time zone."""

    account: str
    title: str
    body: str
    day: date
    clock: Annotated[str, Field(examples=["18:30"])]

    @classmethod
    def at(cls, one: DeliveryEntry, zone: str) -> "PlannedOut":
        """Convert a delivery, with its day and time in `zone`."""
        there = to_wall_time(one.due_at, zone)
        more = {"account": one.channel, "title": one.title, "body": one.body}
        return cls(**delivery_fields(one), **more, day=there.day, clock=f"{there.clock:%H:%M}")


class CalendarOut(BaseModel):
    """Days of the calendar in the time zone `shown_in`, sorted by time. `next` is the cursor of the
    next page, or null."""

    first: date
    last: date
    shown_in: str
    items: list[PlannedOut]
    next: str | None


@dataclass(frozen=True)
class CalendarSpan:
    """A range of days in a time zone, for these creators. `start` and `end` are UTC-aware."""

    first: date
    last: date
    zone: str
    creators: tuple[UUID, ...]
    start: datetime
    end: datetime


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/calendar`."""
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
        """List the deliveries in a range of days, sorted by time, in the requested time zone. The
        time zone does not change the schedule. Requires the `posts:read` scope."""
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
        """Export the posts of a range of days as CSV (UTF-8), one row for each post and time, in
        the time zone of its schedule. 422 for more than 20,000 deliveries. Requires the
        `posts:read` scope."""
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
        """Export the deliveries of a range of days as iCalendar events with the text of the posts.
        Requires the `posts:read` scope."""

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
    """Return the requested range of days. Raises NotFound for a creator or channel that the key may
    not access, and BadInput for an invalid range or time zone."""
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
