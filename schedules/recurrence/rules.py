"""Recurrence rules over local dates with a time of day. Pure: results do not depend on the current
time."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import islice, pairwise, takewhile

from foundation.errors import BadInput
from foundation.ops.wall_time import WallTime

MAX_RECURRENCE_INTERVAL = 400
"""Maximum interval in days, weeks or months; more than a year of days."""

MAX_OCCURRENCES = 5000
"""Maximum number of occurrences of a rule; more than thirteen years of a daily rule."""

LAST_YEAR = 9000
"""Year at which rules end, well below the maximum of `date`."""

LAST_OF_MONTH = -1
"""Value of `which` for the last such weekday of a month."""

WEEKS_OF_MONTH = (1, 2, 3, 4, LAST_OF_MONTH)
"""Values of `which`: the first to the fourth week, which every month has, and the last."""

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


class RecurrenceUnit(StrEnum):
    """The unit of a rule's interval."""

    DAY = "daily"
    WEEK = "weekly"
    MONTH = "monthly"


@dataclass(frozen=True)
class RecurrenceRule:
    """A rule with an interval in days, weeks or months. Raises BadInput for an invalid combination.

    Weeks begin on Monday. Intervals are counted from the start date of the recurrence.
    """

    every: RecurrenceUnit
    end: int | date | None
    """The number of occurrences or the last possible day. None means no end and must be passed
    explicitly."""
    interval: int = 1
    weekdays: tuple[int, ...] = ()
    """Weekdays of a weekly rule (0 is Monday), by default that of the start date; exactly one for a
    monthly rule with `which`."""
    month_days: tuple[int, ...] = ()
    """Days 1 to 31 of a monthly rule, by default that of the start date."""
    or_last: bool = False
    """If True, the last day of a month replaces a day that the month lacks; if False, such a day is
    skipped."""
    which: int | None = None
    """For a monthly rule on a weekday: the first (1) to fourth (4) of the month, or
    `LAST_OF_MONTH`."""

    def __post_init__(self) -> None:
        weekly = self.every is RecurrenceUnit.WEEK
        monthly = self.every is RecurrenceUnit.MONTH
        named = monthly and self.which is not None
        days = self.weekdays
        dates = self.month_days
        fits = (
            1 <= self.interval <= MAX_RECURRENCE_INTERVAL
            and (weekly or named or not days)
            and days == tuple(sorted(set(days)))
            and all(0 <= one < len(_DAYS) for one in days)
            and (not named or (len(days) == 1 and self.which in WEEKS_OF_MONTH))
            and (named or self.which is None)
            and ((monthly and not named) or not dates)
            and dates == tuple(sorted(set(dates)))
            and all(1 <= one <= 31 for one in dates)
            and (not self.or_last or bool(dates))
            and (not isinstance(self.end, int) or 1 <= self.end <= MAX_OCCURRENCES)
        )
        if not fits:
            raise BadInput("series.rule_unreadable")

    def __str__(self) -> str:
        """Format the rule as in RFC 5545; without COUNT and UNTIL it has no end."""
        said = [f"FREQ={self.every.upper()}", f"INTERVAL={self.interval}"]
        if self.weekdays:
            said.append(
                "BYDAY=" + ",".join(f"{self.which or ''}{_DAYS[one]}" for one in self.weekdays)
            )
        if self.month_days:
            dates, places = (
                ",".join(map(str, each))
                for each in (self.month_days, range(1, len(self.month_days) + 1))
            )
            said.append(f"BYMONTHDAY={dates}" + (f",-1;BYSETPOS={places}" if self.or_last else ""))
        if isinstance(self.end, int):
            said.append(f"COUNT={self.end}")
        elif self.end is not None:
            said.append(f"UNTIL={self.end:%Y%m%d}")
        return ";".join(said)


def parse_recurrence_rule(text: str) -> RecurrenceRule:
    """Parse a rule written by `str(rule)`.

    Raises BadInput for any other text, including valid RRULEs beyond this subset.
    """
    try:
        found = dict(part.split("=") for part in text.split(";"))
        dates = (
            tuple(int(one) for one in found["BYMONTHDAY"].split(","))
            if "BYMONTHDAY" in found
            else ()
        )
        days = found["BYDAY"].split(",") if "BYDAY" in found else []
        which = days[0][:-2] if days else ""
        rule = RecurrenceRule(
            every=RecurrenceUnit(found["FREQ"].lower()),
            end=_parse_rule_end(found),
            interval=int(found["INTERVAL"]),
            weekdays=tuple(_DAYS.index(one[-2:]) for one in days),
            month_days=tuple(one for one in dates if one > 0),
            or_last=dates[-1:] == (-1,),
            which=int(which) if which else None,
        )
    except (ValueError, KeyError) as error:
        raise BadInput("series.rule_unreadable") from error
    if str(rule) != text:
        raise BadInput("series.rule_unreadable")
    return rule


def _parse_rule_end(found: dict[str, str]) -> int | date | None:
    if "COUNT" in found:
        return int(found["COUNT"])
    return date.fromisoformat(found["UNTIL"]) if "UNTIL" in found else None


@dataclass(frozen=True)
class Recurrence:
    """A rule with a start date and a time of day in an IANA time zone."""

    rule: RecurrenceRule
    starts_on: date
    clock: time
    zone: str

    def dates(self) -> Iterator[date]:
        """Yield the local dates in order, beginning with the first one not before `starts_on`."""
        found = takewhile(
            lambda day: day.year < LAST_YEAR, _iterate_dates(self.rule, self.starts_on)
        )
        end = self.rule.end
        if isinstance(end, int):
            return islice(found, end)
        return found if end is None else takewhile(lambda day: day <= end, found)

    def occurrence_on(self, day: date) -> WallTime:
        """Return the local time of the occurrence on a day: one per day, regardless of clock
        changes."""
        return WallTime(day, self.clock, self.zone)

    def occurrences_between(self, after: datetime, until: datetime) -> list[WallTime]:
        """Return the local times in (after, until], in order; both limits are UTC-aware."""
        # local dates differ from UTC by less than two days
        first = after.date() - timedelta(days=2)
        coming = (self.occurrence_on(day) for day in self.dates() if day >= first)
        there = takewhile(lambda wall: wall.instant() <= until, coming)
        return [wall for wall in there if wall.instant() > after]

    def next_occurrences(
        self, after: datetime, *, without: frozenset[date] = frozenset()
    ) -> Iterator[WallTime]:
        """Yield the local times after an instant (UTC-aware) in order, except those on the days in
        `without`."""
        first = after.date() - timedelta(days=2)
        walls = (
            self.occurrence_on(day) for day in self.dates() if day >= first and day not in without
        )
        return (wall for wall in walls if wall.instant() > after)

    def iterate_occurrences(
        self, after: datetime, most: int, *, without: frozenset[date] = frozenset()
    ) -> list[WallTime]:
        """Return at most `most` of the next local times."""
        return list(islice(self.next_occurrences(after, without=without), most))

    def falls_on(self, day: date) -> bool:
        """Return True if there is an occurrence on a local date."""
        return next((one for one in self.dates() if one >= day), None) == day

    def dates_before(self, day: date) -> "Recurrence":
        """Return this recurrence, ending on the day before `day`."""
        return replace(self, rule=replace(self.rule, end=day - timedelta(days=1)))

    def recurrence_from(self, day: date) -> "Recurrence":
        """Return the recurrence from one of its dates on, with the rest of its count.

        Raises BadInput if there is no occurrence on the day.
        """
        if not self.falls_on(day):
            raise BadInput("series.no_such_day", day=f"{day:%d/%m/%Y}")
        rule = _with_explicit_days(self.rule, self.starts_on)
        end = self.rule.end
        if isinstance(end, int):
            end -= sum(1 for _ in takewhile(lambda one: one < day, self.dates()))
        return replace(self, rule=replace(rule, end=end), starts_on=day)


def _with_explicit_days(rule: RecurrenceRule, starts_on: date) -> RecurrenceRule:
    """Return the rule with the weekdays or days that it derives from the start date made
    explicit."""
    if rule.every is RecurrenceUnit.WEEK:
        return replace(rule, weekdays=_effective_weekdays(rule, starts_on))
    if rule.every is RecurrenceUnit.MONTH:
        return replace(rule, month_days=days_of_month(rule, starts_on))
    return rule


def days_of_month(rule: RecurrenceRule, starts_on: date) -> tuple[int, ...]:
    """Return the days of the month of a monthly rule, or an empty result if it names a weekday."""
    return () if rule.which is not None else rule.month_days or (starts_on.day,)


def _effective_weekdays(rule: RecurrenceRule, starts_on: date) -> tuple[int, ...]:
    return rule.weekdays or (starts_on.weekday(),)


def _iterate_dates(rule: RecurrenceRule, starts_on: date) -> Iterator[date]:
    """Yield the dates of a rule from a day on, ignoring its end."""
    match rule.every:
        case RecurrenceUnit.DAY:
            found = _iterate_days_at_interval(starts_on, rule.interval)
        case RecurrenceUnit.WEEK:
            monday = starts_on - timedelta(days=starts_on.weekday())
            weeks = _iterate_days_at_interval(monday, 7 * rule.interval)
            found = (
                week + timedelta(days=one)
                for week in weeks
                for one in _effective_weekdays(rule, starts_on)
            )
        case RecurrenceUnit.MONTH:
            found = _iterate_month_dates(rule, starts_on)
    return (day for day in found if day >= starts_on)


def _iterate_days_at_interval(first: date, step: int) -> Iterator[date]:
    day = first
    while day.year <= LAST_YEAR:
        yield day
        day += timedelta(days=step)


def _iterate_month_dates(rule: RecurrenceRule, starts_on: date) -> Iterator[date]:
    wanted = days_of_month(rule, starts_on)
    month = starts_on.year * 12 + starts_on.month - 1
    while month < (LAST_YEAR + 1) * 12:
        year, number = divmod(month, 12)
        first, longest = calendar.monthrange(year, number + 1)
        there = {min(day, longest) for day in wanted if day <= longest or rule.or_last}
        if rule.which is not None:
            there = {_day_of_nth_weekday(rule, first, longest)}
        yield from (date(year, number + 1, day) for day in sorted(there))
        month += rule.interval


def _day_of_nth_weekday(rule: RecurrenceRule, first: int, longest: int) -> int:
    """Return the day of a month on which the rule's weekday falls.

    `first` is the weekday of the first day of the month, `longest` the number of days in the month.
    """
    day = 1 + (rule.weekdays[0] - first) % 7
    if rule.which == LAST_OF_MONTH:
        return day + 7 * ((longest - day) // 7)
    return day + 7 * ((rule.which or 1) - 1)


def find_crowded_time(
    ours: list[datetime], others: list[datetime], gap: timedelta
) -> datetime | None:
    """Return the first of `ours` that is closer than `gap` to another instant of either list, or
    None."""
    together = sorted([(at, True) for at in ours] + [(at, False) for at in others])
    near = ((one, two) for one, two in pairwise(together) if one[1] or two[1])
    close = (two[0] for one, two in near if two[0] - one[0] < gap)
    return next(close, None)
