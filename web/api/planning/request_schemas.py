"""What comes into the API about times: series, hours of the week, queues, quiet days, pauses,
moves, files, feeds."""

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
"""Posts that one request adds to a queue."""


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
    """How often, and until when: `end` is a number of times, the last date, or the word `never`."""

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
        """From a first time on. Raises BadInput for a rule that says nothing."""
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
    """A post that leaves again and again, from `at` on. `confirmed`: you know that more than twenty
    are made at once."""

    model_config = example_config(_SERIES)

    channels: Annotated[list[UUID], Field(min_length=1, max_length=MAX_CHANNELS)]
    at: WallOrInstant
    repeat: RepeatIn
    confirmed: bool = False


class SeriesChange(RequestModel):
    """What a series becomes from one of its dates on. `at`: its first time then; left out, that
    date at its hour. `repeat`, `words` and `channels`: left out, as before. Other words need a new
    yes, and so does an account that is added."""

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
    """One of its dates, as its own zone calls it."""

    model_config = example_config({"day": "2031-03-06"})

    day: Day


class SlotsQuery(CreatorPageQuery):
    """Of which account."""

    channel: UUID


class SlotIn(RequestModel):
    """An hour of the week at which an account posts; `jitter`: up to so many minutes later, drawn
    for each date."""

    model_config = example_config(
        {"channel_id": EXAMPLE_CHANNEL_ID, "weekday": 0, "clock": "18:30", "zone": "Europe/Paris"}
    )

    channel_id: UUID
    weekday: Weekday
    clock: ClockText
    zone: ZoneName | None = None
    jitter: Annotated[int, Field(ge=0, le=MAX_JITTER_MINUTES)] = 0
    label: Annotated[StorableText, Field(max_length=MAX_SLOT_LABEL_LENGTH)] = ""


class FillIn(RequestModel):
    """Posts, in the order in which they take the next free hours."""

    model_config = example_config({"posts": [EXAMPLE_POST_ID]})

    posts: Annotated[list[UUID], Field(min_length=1, max_length=MAX_POSTS)]


class OrderIn(RequestModel):
    """Every delivery of the queue, in the order they are to leave."""

    model_config = example_config({"order": [EXAMPLE_DELIVERY_ID]})

    order: Annotated[list[UUID], Field(min_length=1, max_length=MAX_MOVED_DELIVERIES)]


class TakeOutIn(RequestModel):
    """One delivery of the queue."""

    model_config = example_config({"delivery_id": EXAMPLE_DELIVERY_ID})

    delivery_id: UUID


class QuietIn(RequestModel):
    """When nothing is to be posted: dates from `first` to `last`, or the hours from `start` to
    `end` on a weekday or each. Without `channel_id`, on every account of the creator."""

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
    """Whose public holidays are quiet days, by the code of ISO 3166-1; "" is nobody's, and null
    for a creator what the agency chose. `left_out`: English names, without whether a date is
    estimated."""

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
    """Dates without posts, the first and the last included; without a zone in the creator's."""

    creator_id: UUID
    channel_id: UUID | None = None
    first: Day
    last: Day
    zone: ZoneName | None = None


class PauseIn(PauseDays):
    """A pause, as its preview was seen; `words` say why, kindly."""

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
    """What is due from `since` until before `before`, so many days and minutes later, or earlier
    where negative."""

    creator_id: UUID
    channel_id: UUID | None = None
    since: Instant
    before: Instant
    days: Annotated[int, Field(ge=-MAX_MOVE_DAYS, le=MAX_MOVE_DAYS)] = 0
    minutes: Annotated[int, Field(ge=-MAX_MOVE_DAYS * 1440, le=MAX_MOVE_DAYS * 1440)] = 0

    @property
    def to_offset(self) -> TimeOffset:
        """As the room knows it."""
        return TimeOffset(self.days, self.minutes)

    def to_selection(self, now: datetime) -> MoveSelection:
        """As the room knows it; what has passed is left alone."""
        return MoveSelection(self.creator_id, self.channel_id, max(self.since, now), self.before)


class ShiftIn(ShiftQuery):
    """A move of many, as its preview was seen."""

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
    """As drafts; with `plan`, onto the calendar where nobody has to say yes."""

    model_config = example_config({"plan": False})

    plan: bool = False


class FeedIn(RequestModel):
    """A page elsewhere whose new entries become drafts for these accounts."""

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
    """The first time of a changed series, where it was said. Raises BadInput for what no calendar
    has."""
    return None if change.at is None else wall_time_in(change.at, zone)
