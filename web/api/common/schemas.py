"""Base models and field types of API requests and responses, with their limits."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from foundation.errors import BadInput
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import WallTime, load_zone, to_wall_time
from schedules.posts.queries import MAX_PAGE_SIZE
from schedules.rescheduling.bulk_moves import MAX_MOVED_DELIVERIES
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.pagination import MAX_CURSOR_LENGTH

MAX_MEDIA = 40
MAX_CHANNELS = 50
EARLIEST_INSTANT = datetime(2000, 1, 1, tzinfo=UTC)
LATEST_INSTANT = datetime(2100, 1, 1, tzinfo=UTC)
"""Bounds of accepted dates. Values outside them are assumed to be typing errors."""

_UNKEPT = re.compile(r"[\x00\ud800-\udfff]")


def _validate_storable_text(text: str) -> str:
    if _UNKEPT.search(text):
        raise ValueError("text must not contain U+0000 or lone surrogates")
    return text


def _validate_instant_text(value: object) -> object:
    """Reject numbers: a number could mean seconds or milliseconds."""
    if not isinstance(value, str):
        raise ValueError("an instant must be a string such as 2026-03-02T10:00:00+01:00")
    return value


def _validate_instant_bounds(at: datetime) -> datetime:
    if not EARLIEST_INSTANT <= at < LATEST_INSTANT:
        raise ValueError("the year must be between 2000 and 2099")
    return at


StorableText = Annotated[str, AfterValidator(_validate_storable_text)]
Instant = Annotated[
    AwareDatetime, BeforeValidator(_validate_instant_text), AfterValidator(_validate_instant_bounds)
]


class RequestModel(BaseModel):
    """Base model of requests. Unknown fields are errors, so that a misspelled field is not
    ignored."""

    model_config = ConfigDict(extra="forbid")


class PageQuery(RequestModel):
    """A page of a list: `cursor` is the `next` value of the previous page."""

    cursor: Annotated[
        str | None,
        Field(max_length=MAX_CURSOR_LENGTH, description="`next` from the previous page."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)] = 50


class CreatorPageQuery(PageQuery):
    """A page of a list, optionally limited to one creator."""

    creator: UUID | None = None


class WallIn(RequestModel):
    """A local date and time in an IANA time zone. A time that daylight saving skips moves forward
    by the length of the gap."""

    wall_time: Annotated[
        str,
        Field(
            pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?$",
            examples=["2026-03-02T10:00"],
        ),
    ]
    zone: Annotated[StorableText, Field(max_length=60, examples=["Europe/Paris"])]


WallOrInstant = WallIn | Instant


def wall_time_in(at: WallIn | datetime, zone: str) -> WallTime:
    """Return the local time. Instants are converted to `zone`. Raises BadInput for a date or time
    that does not exist."""
    if isinstance(at, datetime):
        found = to_wall_time(at, zone)
        return (
            found if found.instant() == at else to_wall_time(at, "UTC")
        )  # in the repeated hour, only UTC is unambiguous
    day, clock = at.wall_time.split("T")
    load_zone(at.zone)
    try:
        wall = WallTime(date.fromisoformat(day), time.fromisoformat(clock), at.zone)
        _validate_instant_bounds(wall.instant())
    except (ValueError, OverflowError) as error:
        raise BadInput("api.no_such_time") from error
    return wall


EXAMPLE_CREATOR_ID = "0198c0de-0000-7000-8000-000000000001"
EXAMPLE_CHANNEL_ID = "0198c0de-0000-7000-8000-000000000002"


EXAMPLE_POST_ID = "0198c0de-0000-7000-8000-000000000003"
EXAMPLE_DELIVERY_ID = "0198c0de-0000-7000-8000-000000000004"
"""IDs in the examples of the API reference."""


_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _validate_date_text(value: object) -> object:
    """Reject numbers and instants: a number could mean seconds, and an instant has no date without
    a time zone."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("a date must be a string such as 2026-03-02")


def _validate_date_bounds(day: date) -> date:
    if not EARLIEST_INSTANT.date() <= day < LATEST_INSTANT.date():
        raise ValueError("the year must be between 2000 and 2099")
    return day


Day = Annotated[date, BeforeValidator(_validate_date_text), AfterValidator(_validate_date_bounds)]


ClockText = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["18:30"])]


ZoneName = Annotated[StorableText, Field(max_length=60, examples=["Europe/Paris"])]


Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]


WeekdayList = Annotated[
    list[Weekday],
    Field(
        max_length=7,
        description=(
            "Weekdays of a weekly series; by default the weekday of `at`. A monthly "
            "series with `which` takes exactly one."
        ),
    ),
]


SeenVersions = Annotated[
    dict[UUID, Annotated[int, Field(ge=0, le=2**31 - 1)]],
    Field(
        max_length=MAX_MOVED_DELIVERIES,
        description="`seen` from the preview. Posts that have changed since are not moved.",
    ),
]


def example_config(one: JsonDict) -> ConfigDict:
    """Return the model configuration with one example."""
    return ConfigDict(json_schema_extra={"examples": [one]})


def parse_clock(said: str) -> time:
    """Parse a time of day in the form of `ClockText`."""
    return time.fromisoformat(said)


class ReasonOut(BaseModel):
    """A reason: a stable code and a text in English."""

    code: str
    text: str


def reason_out(message: Message | None) -> ReasonOut | None:
    """Convert a stored message to a response value."""
    return (
        None
        if message is None
        else ReasonOut(code=message.code, text=render_message(message, ERROR_LANGUAGE))
    )
