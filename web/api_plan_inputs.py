"""What comes into the API about times: series, hours of the week, queues, quiet days, pauses, moves, files, feeds."""

import re
from datetime import date, datetime, time
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field
from pydantic.config import JsonDict

from schedules.calendar import WallTime
from schedules.feeds import LONGEST_ADDRESS
from schedules.holiday_choices import MOST_LEFT_OUT
from schedules.quiet import LONGEST_LABEL as LONGEST_WORDS
from schedules.recurrence import LONGEST_STEP, MOST_TIMES, Every, Repeat, Rule
from schedules.shifting import MOST, MOST_DAYS, By, Chosen
from schedules.slots import LATEST_JITTER, LONGEST_LABEL
from web.api_inputs import FIRST, LAST, MOST_CHANNELS, At, In, Instant, PageIn, PostChange, PostIn, Text, wall_of

CREATOR, ACCOUNT = "0198c0de-0000-7000-8000-000000000001", "0198c0de-0000-7000-8000-000000000002"
POST, DELIVERY = "0198c0de-0000-7000-8000-000000000003", "0198c0de-0000-7000-8000-000000000004"
"""Ids of the examples."""

MOST_POSTS = 50
"""Posts that one request adds to a queue."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _dated(value: object) -> object:
    """A date is said in words: a bare number might be seconds, and a moment has no date without a zone."""
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("a date is a text such as 2026-03-02")


def _of_our_times(day: date) -> date:
    if not FIRST.date() <= day < LAST.date():
        raise ValueError("the year lies out of bounds")
    return day


Day = Annotated[date, BeforeValidator(_dated), AfterValidator(_of_our_times)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", examples=["18:30"])]
Zone = Annotated[Text, Field(max_length=60, examples=["Europe/Paris"])]
Weekday = Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]
Days = Annotated[
    list[Weekday],
    Field(max_length=7, description="Of a weekly one; none: that of `at`. Of a monthly one with `which`, one."),
]
MonthDays = Annotated[
    list[Annotated[int, Field(ge=1, le=31)]],
    Field(max_length=31, description="Of a monthly one without `which`; none: that of `at`."),
]
Seen = Annotated[
    dict[UUID, Annotated[int, Field(ge=0, le=2**31 - 1)]],
    Field(max_length=MOST, description="`seen` of the preview: what changed since stays where it is."),
]


def example(one: JsonDict) -> ConfigDict:
    """The configuration of a class with one example."""
    return ConfigDict(json_schema_extra={"examples": [one]})


class RepeatIn(In):
    """How often, and until when: `end` is a number of times, the last date, or the word `never`."""

    every: Every
    end: Annotated[int, Field(strict=True, ge=1, le=MOST_TIMES)] | Literal["never"] | Day
    interval: Annotated[int, Field(ge=1, le=LONGEST_STEP)] = 1
    weekdays: Days = Field(default_factory=list)
    month_days: MonthDays = Field(default_factory=list)
    or_last: Annotated[bool, Field(description="A month without one of those days has its last day instead.")] = False
    which: Annotated[
        Literal[1, 2, 3, 4, -1] | None, Field(description="Of a monthly one: which of `weekdays`; -1 is the last.")
    ] = None

    def repeat(self, first: WallTime) -> Repeat:
        """From a first time on. Raises BadInput for a rule that says nothing."""
        end = None if self.end == "never" else self.end
        days = tuple(sorted(set(self.weekdays)))
        dates = tuple(sorted(set(self.month_days)))
        rule = Rule(self.every, end, self.interval, days, dates, self.or_last, self.which)
        return Repeat(rule, first.day, first.clock, first.zone)


_WEEKLY: JsonDict = {"every": "weekly", "weekdays": [0, 3], "end": "2031-06-30"}
_FIRST: JsonDict = {"wall_time": "2031-03-03T18:30", "zone": "Europe/Paris"}
_SERIES: JsonDict = {
    "creator_id": CREATOR,
    "body": "Good evening!",
    "channels": [ACCOUNT],
    "at": _FIRST,
    "repeat": _WEEKLY,
}


class SeriesIn(PostIn):
    """A post that leaves again and again, from `at` on. `confirmed`: you know that more than twenty are made at
    once."""

    model_config = example(_SERIES)

    channels: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANNELS)]
    at: At
    repeat: RepeatIn
    confirmed: bool = False


class SeriesChange(In):
    """What a series becomes from one of its dates on. `at`: its first time then; left out, that date at its hour.
    `repeat`, `words` and `channels`: left out, as before. Other words need a new yes, and so does an account that is
    added."""

    model_config = example({"day": "2031-03-06", "at": {"wall_time": "2031-03-06T20:00", "zone": "Europe/Paris"}})

    day: Day
    at: At | None = None
    repeat: RepeatIn | None = None
    words: PostChange | None = None
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANNELS)] | None = None
    confirmed: bool = False


class SkipIn(In):
    """One of its dates, as its own zone calls it."""

    model_config = example({"day": "2031-03-06"})

    day: Day


class SlotsWanted(PageIn):
    """Of which account."""

    channel: UUID


class SlotIn(In):
    """An hour of the week at which an account posts; `jitter`: up to so many minutes later, drawn for each date."""

    model_config = example({"channel_id": ACCOUNT, "weekday": 0, "clock": "18:30", "zone": "Europe/Paris"})

    channel_id: UUID
    weekday: Weekday
    clock: Clock
    zone: Zone | None = None
    jitter: Annotated[int, Field(ge=0, le=LATEST_JITTER)] = 0
    label: Annotated[Text, Field(max_length=LONGEST_LABEL)] = ""


class FillIn(In):
    """Posts, in the order in which they take the next free hours."""

    model_config = example({"posts": [POST]})

    posts: Annotated[list[UUID], Field(min_length=1, max_length=MOST_POSTS)]


class OrderIn(In):
    """Every delivery of the queue, in the order they are to leave."""

    model_config = example({"order": [DELIVERY]})

    order: Annotated[list[UUID], Field(min_length=1, max_length=MOST)]


class TakeOutIn(In):
    """One delivery of the queue."""

    model_config = example({"delivery_id": DELIVERY})

    delivery_id: UUID


class QuietIn(In):
    """When nothing is to be posted: dates from `first` to `last`, or the hours from `start` to `end` on a weekday or
    each. Without `channel_id`, on every account of the creator."""

    model_config = example({"creator_id": CREATOR, "label": "Night", "start": "22:00", "end": "08:00"})

    creator_id: UUID
    channel_id: UUID | None = None
    label: Annotated[Text, Field(max_length=LONGEST_WORDS)] = ""
    zone: Zone | None = None
    first: Day | None = None
    last: Day | None = None
    weekday: Weekday | None = None
    start: Clock | None = None
    end: Clock | None = None


class HolidaysIn(In):
    """Whose public holidays are quiet days, by the code of ISO 3166-1; "" is nobody's, and null for a creator what the
    agency chose. `left_out`: English names, without whether a date is estimated."""

    model_config = example({"creator_id": CREATOR, "country": "FR", "region": "57", "left_out": ["Labor Day"]})

    creator_id: UUID | None = None
    country: Annotated[Text, Field(max_length=2)] | None = None
    region: Annotated[Text, Field(max_length=40)] = ""
    left_out: list[Annotated[Text, Field(max_length=LONGEST_WORDS)]] = Field(
        default_factory=list, max_length=MOST_LEFT_OUT
    )


class PauseDays(In):
    """Dates without posts, the first and the last included; without a zone in the creator's."""

    creator_id: UUID
    channel_id: UUID | None = None
    first: Day
    last: Day
    zone: Zone | None = None


class PauseIn(PauseDays):
    """A pause, as its preview was seen; `words` say why, kindly."""

    model_config = example(
        {"creator_id": CREATOR, "first": "2031-07-01", "last": "2031-07-07", "words": "A week at the sea", "seen": {}}
    )

    words: Annotated[Text, Field(min_length=1, max_length=LONGEST_WORDS)]
    seen: Seen


class ShiftWanted(In):
    """What is due from `since` until before `before`, so many days and minutes later, or earlier where negative."""

    creator_id: UUID
    channel_id: UUID | None = None
    since: Instant
    before: Instant
    days: Annotated[int, Field(ge=-MOST_DAYS, le=MOST_DAYS)] = 0
    minutes: Annotated[int, Field(ge=-MOST_DAYS * 1440, le=MOST_DAYS * 1440)] = 0

    @property
    def by(self) -> By:
        """As the room knows it."""
        return By(self.days, self.minutes)

    def chosen(self, now: datetime) -> Chosen:
        """As the room knows it; what has passed is left alone."""
        return Chosen(self.creator_id, self.channel_id, max(self.since, now), self.before)


class ShiftIn(ShiftWanted):
    """A move of many, as its preview was seen."""

    model_config = example(
        {
            "creator_id": CREATOR,
            "since": "2031-03-01T00:00:00+01:00",
            "before": "2031-03-08T00:00:00+01:00",
            "days": 7,
            "seen": {},
        }
    )

    seen: Seen


class ImportApplyIn(In):
    """As drafts; with `plan`, onto the calendar where nobody has to say yes."""

    model_config = example({"plan": False})

    plan: bool = False


class FeedIn(In):
    """A page elsewhere whose new entries become drafts for these accounts."""

    model_config = example({"creator_id": CREATOR, "url": "https://example.com/feed.xml", "channels": [ACCOUNT]})

    creator_id: UUID
    url: Annotated[Text, Field(min_length=1, max_length=LONGEST_ADDRESS)]
    channels: Annotated[list[UUID], Field(min_length=1, max_length=MOST_CHANNELS)]


def first_of(change: SeriesChange, zone: str) -> WallTime | None:
    """The first time of a changed series, where it was said. Raises BadInput for what no calendar has."""
    return None if change.at is None else wall_of(change.at, zone)


def clock_of(said: str) -> time:
    """A clock time as `Clock` has it."""
    return time.fromisoformat(said)
