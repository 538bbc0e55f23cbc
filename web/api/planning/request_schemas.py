"""Requests about series, slots, queues, quiet periods, pauses, bulk moves, imports and feeds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from pydantic.config import JsonDict

from foundation.ops.wall_time import WallTime
from schedules.availability.holiday_settings import MAX_EXCLUDED_HOLIDAYS
from schedules.availability.quiet_periods import MAX_QUIET_LABEL_LENGTH
from schedules.availability.slots import MAX_JITTER_MINUTES, MAX_SLOT_LABEL_LENGTH
from schedules.feeds.sources import MAX_FEED_URL_LENGTH
from schedules.recurrence.rules import (
    MAX_OCCURRENCES,
    MAX_RECURRENCE_INTERVAL,
    Recurrence,
    RecurrenceRule,
    RecurrenceUnit,
)
from schedules.rescheduling.bulk_moves import (
    MAX_MOVE_DAYS,
    MAX_MOVED_DELIVERIES,
    MoveSelection,
    TimeOffset,
)
from web.api.common.schemas import (
    EXAMPLE_CHANNEL_ID,
    EXAMPLE_CREATOR_ID,
    EXAMPLE_DELIVERY_ID,
    EXAMPLE_POST_ID,
    MAX_CHANNELS,
    ClockText,
    CreatorPageQuery,
    Day,
    Instant,
    RequestModel,
    SeenVersions,
    StorableText,
    WallOrInstant,
    Weekday,
    WeekdayList,
    ZoneName,
    example_config,
    wall_time_in,
)
from web.api.posts.schemas import PostChange, PostIn

MAX_POSTS = 50
"""Maximum number of posts that one request adds to a queue."""


MonthDayList = Annotated[
    list[Annotated[int, Field(ge=1, le=31)]],
    Field(
        max_length=31,
        description=(
            "Days of the month of a monthly series without `which`; by default the day of `at`."
        ),
    ),
]


class RepeatIn(RequestModel):
    """A recurrence rule. `end` is a number of occurrences, the last date, or `never`."""

    every: RecurrenceUnit
    end: Annotated[int, Field(strict=True, ge=1, le=MAX_OCCURRENCES)] | Literal["never"] | Day
    interval: Annotated[int, Field(ge=1, le=MAX_RECURRENCE_INTERVAL)] = 1
    weekdays: WeekdayList = Field(default_factory=list)
    month_days: MonthDayList = Field(default_factory=list)
    or_last: Annotated[
        bool,
        Field(description="In shorter months, use the last day instead of skipping the month."),
    ] = False
    which: Annotated[
        Literal[1, 2, 3, 4, -1] | None,
        Field(
            description=(
                "Which of the `weekdays` in the month, for a monthly series; -1 is the last."
            )
        ),
    ] = None

    def to_repeat(self, first: WallTime) -> Recurrence:
        """Return the recurrence that starts at `first`. Raises BadInput for an invalid rule."""
        end = None if self.end == "never" else self.end
        days = tuple(sorted(set(self.weekdays)))
        dates = tuple(sorted(set(self.month_days)))
        rule = RecurrenceRule(self.every, end, self.interval, days, dates, self.or_last, self.which)
        return Recurrence(rule, first.day, first.clock, first.zone)


_WEEKLY: JsonDict = {"every": "weekly", "weekdays": [0, 3], "end": "2031-06-30"}
_FIRST: JsonDict = {"wall_time": "2031-03-03T18:30", "zone": "Europe/Paris"}
_SERIES: JsonDict = {
    "creator_id": EXAMPLE_CREATOR_ID,
    "body": "Good evening!",
    "channels": [EXAMPLE_CHANNEL_ID],
    "at": _FIRST,
    "repeat": _WEEKLY,
}


class SeriesIn(PostIn):
    """A recurring post that starts at `at`. Set `confirmed` if more than twenty posts are created
    at once."""

    model_config = example_config(_SERIES)

    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]
    at: WallOrInstant
    repeat: RepeatIn
    confirmed: bool = False


class SeriesChange(RequestModel):
    """Changes to a series from one of its dates on. `at` is its new first time; without it, the
    date keeps its time. `repeat`, `words` and `channels` keep their values if they are omitted. New
    text and added accounts need approval."""

    model_config = example_config(
        {"day": "2031-03-06", "at": {"wall_time": "2031-03-06T20:00", "zone": "Europe/Paris"}}
    )

    day: Day
    at: WallOrInstant | None = None
    repeat: RepeatIn | None = None
    words: PostChange | None = None
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)] | None = None
    confirmed: bool = False


class SkipIn(RequestModel):
    """A date of the series, in the series' time zone."""

    model_config = example_config({"day": "2031-03-06"})

    day: Day


class SlotsQuery(CreatorPageQuery):
    """The account whose slots are listed."""

    channel: UUID


class SlotIn(RequestModel):
    """A weekly slot of an account. With `jitter`, each post is delayed by a random number of
    minutes up to that value. The hour of an `automatic` slot follows the account's results, and one
    date in ten uses a random hour between 8:00 and 22:59."""

    model_config = example_config(
        {"channel_id": EXAMPLE_CHANNEL_ID, "weekday": 0, "clock": "18:30", "zone": "Europe/Paris"}
    )

    channel_id: UUID
    weekday: Weekday
    clock: ClockText
    zone: ZoneName | None = None
    jitter: Annotated[int, Field(ge=0, le=MAX_JITTER_MINUTES)] = 0
    label: Annotated[StorableText, Field(max_length=MAX_SLOT_LABEL_LENGTH)] = ""
    automatic: bool = False


class FillIn(RequestModel):
    """The posts to add to the queue, in this order."""

    model_config = example_config({"posts": [EXAMPLE_POST_ID]})

    posts: Annotated[list[UUID], Field(min_length=1, max_length=MAX_POSTS)]


class OrderIn(RequestModel):
    """All deliveries of the queue in their new order."""

    model_config = example_config({"order": [EXAMPLE_DELIVERY_ID]})

    order: Annotated[list[UUID], Field(min_length=1, max_length=MAX_MOVED_DELIVERIES)]


class TakeOutIn(RequestModel):
    """The delivery to remove from the queue."""

    model_config = example_config({"delivery_id": EXAMPLE_DELIVERY_ID})

    delivery_id: UUID


class QuietIn(RequestModel):
    """A quiet period: the dates from `first` to `last`, or the hours from `start` to `end` on one
    weekday or on all. Without `channel_id`, it applies to all accounts of the creator."""

    model_config = example_config(
        {"creator_id": EXAMPLE_CREATOR_ID, "label": "Night", "start": "22:00", "end": "08:00"}
    )

    creator_id: UUID
    channel_id: UUID | None = None
    label: Annotated[StorableText, Field(max_length=MAX_QUIET_LABEL_LENGTH)] = ""
    zone: ZoneName | None = None
    first: Day | None = None
    last: Day | None = None
    weekday: Weekday | None = None
    start: ClockText | None = None
    end: ClockText | None = None


class HolidaysIn(RequestModel):
    """The country (ISO 3166-1 code) whose public holidays are quiet days. An empty `country` means
    none; null means, for a creator, the agency's setting. `left_out` lists English names of
    holidays that are not quiet days, without the note that a date is estimated."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "country": "FR",
            "region": "57",
            "left_out": ["Labor Day"],
        }
    )

    creator_id: UUID | None = None
    country: Annotated[StorableText, Field(max_length=2)] | None = None
    region: Annotated[StorableText, Field(max_length=40)] = ""
    left_out: list[Annotated[StorableText, Field(max_length=MAX_QUIET_LABEL_LENGTH)]] = Field(
        default_factory=list, max_length=MAX_EXCLUDED_HOLIDAYS
    )


class PauseDays(RequestModel):
    """The dates of a pause; `first` and `last` are included. The default time zone is the
    creator's."""

    creator_id: UUID
    channel_id: UUID | None = None
    first: Day
    last: Day
    zone: ZoneName | None = None


class PauseIn(PauseDays):
    """A pause with the versions that its preview returned. `words` is the reason that
    members see."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "first": "2031-07-01",
            "last": "2031-07-07",
            "words": "A week at the sea",
            "seen": {},
        }
    )

    words: Annotated[StorableText, Field(min_length=1, max_length=MAX_QUIET_LABEL_LENGTH)]
    seen: SeenVersions


class ShiftQuery(RequestModel):
    """The deliveries due from `since` up to but not including `before`, and the days and minutes by
    which they move. Negative values move them to earlier times."""

    creator_id: UUID
    channel_id: UUID | None = None
    since: Instant
    before: Instant
    days: Annotated[int, Field(ge=-MAX_MOVE_DAYS, le=MAX_MOVE_DAYS)] = 0
    minutes: Annotated[int, Field(ge=-MAX_MOVE_DAYS * 1440, le=MAX_MOVE_DAYS * 1440)] = 0

    @property
    def to_offset(self) -> TimeOffset:
        """The value that `schedules` expects."""
        return TimeOffset(self.days, self.minutes)

    def to_selection(self, now: datetime) -> MoveSelection:
        """Return the selected deliveries. Those due before `now` are excluded."""
        return MoveSelection(self.creator_id, self.channel_id, max(self.since, now), self.before)


class ShiftIn(ShiftQuery):
    """A bulk move with the versions that its preview returned."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "since": "2031-03-01T00:00:00+01:00",
            "before": "2031-03-08T00:00:00+01:00",
            "days": 7,
            "seen": {},
        }
    )

    seen: SeenVersions


class ImportApplyIn(RequestModel):
    """The target of an import: drafts, or with `plan`, the calendar if no approval is needed."""

    model_config = example_config({"plan": False})

    plan: bool = False


class FeedIn(RequestModel):
    """A web feed whose new entries become drafts for these accounts."""

    model_config = example_config(
        {
            "creator_id": EXAMPLE_CREATOR_ID,
            "url": "https://example.com/feed.xml",
            "channels": [EXAMPLE_CHANNEL_ID],
        }
    )

    creator_id: UUID
    url: Annotated[StorableText, Field(min_length=1, max_length=MAX_FEED_URL_LENGTH)]
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]


def first_occurrence(change: SeriesChange, zone: str) -> WallTime | None:
    """Return the new first time of a changed series, or None if it does not change. Raises BadInput
    for a date or time that does not exist."""
    return None if change.at is None else wall_time_in(change.at, zone)
