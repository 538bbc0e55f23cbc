"""Repeating, as people choose and read it: fields become a rule, a rule becomes words."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dashboard.reads.when import day_of
from foundation.errors import BadInput
from foundation.words import LANGUAGES, Message, say
from schedules import pools
from schedules.calendar import WallTime
from schedules.reads import Entry
from schedules.recurrence import LAST, MOST_TIMES, WHICH, Every, Repeat, Rule, month_days

NEVER = "never"
KINDS = (NEVER, *map(str, Every))
WEEKDAYS = tuple(map(str, range(7)))
DATES = tuple(map(str, range(1, 32)))
ON_DATE, ON_NTH, ON_LAST, ON_DATES = "date", "nth", "last", "dates"
"""In a month: on the day of the first time, on its weekday counted from the first or as the last, or on chosen days."""

LATEST = 28
"""The last day every month has."""


@dataclass(frozen=True)
class Choice:
    """What stands in the fields of a repetition. `end` is a date, a number of times, or the words for none."""

    every: str = NEVER
    step: str = "1"
    days: tuple[str, ...] = ()
    month: str = ON_DATE
    dates: tuple[str, ...] = ()
    or_last: bool = False
    end: str = ""
    confirmed: bool = False

    @property
    def wanted(self) -> bool:
        """Whether anything is to repeat."""
        return self.every in KINDS and self.every != NEVER

    def repeat(self, first: WallTime) -> Repeat:
        """What is chosen, from a first wall time on. Raises BadInput for what nobody can read."""
        every = Every(self.every)
        rule = Rule(every, _end(self.end), _number(self.step))
        if every is Every.WEEK:
            rule = replace(rule, weekdays=tuple(sorted(int(one) for one in self.days if one in WEEKDAYS)))
        if every is Every.MONTH:
            rule = self._in_a_month(rule, first.day)
        return Repeat(rule, first.day, first.clock, first.zone)

    def _in_a_month(self, rule: Rule, first: date) -> Rule:
        """On which of its days."""
        if self.month in (ON_NTH, ON_LAST):
            which = LAST if self.month == ON_LAST else nth_of(first)
            return replace(rule, weekdays=(first.weekday(),), which=which)
        dates: tuple[int, ...] = (first.day,)
        if self.month == ON_DATES:
            dates = tuple(sorted(int(one) for one in self.dates if one in DATES))
            if not dates:
                raise BadInput("series.no_dates")
        return replace(rule, month_days=dates, or_last=self.or_last and max(dates) > LATEST)


def nth_of(day: date) -> int:
    """Which of its weekday a day is in its month; the fifth is the last."""
    nth = (day.day + 6) // 7
    return nth if nth in WHICH else LAST


def months_of(first: date) -> tuple[str, ...]:
    """The ways a month may be chosen from a first day on."""
    last = first.day + 7 > monthrange(first.year, first.month)[1]
    nth = nth_of(first) != LAST
    return (ON_DATE, *((ON_NTH,) if nth else ()), *((ON_LAST,) if last else ()), ON_DATES)


def chosen_of(repeat: Repeat, language: str) -> Choice:
    """The fields that say what a series says."""
    rule = repeat.rule
    dates = month_days(rule, repeat.starts_on) if rule.every is Every.MONTH else ()
    month = ON_DATE if dates in ((), (repeat.starts_on.day,)) else ON_DATES
    if rule.which is not None:
        month = ON_LAST if rule.which == LAST else ON_NTH
    end = endless(language) if rule.end is None else str(rule.end)
    if isinstance(rule.end, date):
        end = f"{rule.end:%d/%m/%Y}"
    days, chosen = (tuple(map(str, each)) for each in (rule.weekdays, dates))
    return Choice(str(rule.every), str(rule.interval), days, month, chosen, rule.or_last, end)


def endless(language: str) -> str:
    """The words somebody types for a repetition without an end."""
    return say(Message("series.endless"), language)


def _number(text: str) -> int:
    try:
        return int(text.strip()[:6])
    except ValueError as error:
        raise BadInput("series.rule_unreadable") from error


def _end(text: str) -> int | date | None:
    said = " ".join(text.split()).casefold()
    if not said:
        raise BadInput("series.end_unsaid")
    if said in {endless(one).casefold() for one in LANGUAGES}:
        return None
    if said.isdecimal():
        times = int(said[:6])
        if not 1 <= times <= MOST_TIMES:
            raise BadInput("series.too_often", most=MOST_TIMES)
        return times
    return day_of(text)


def rule_said(repeat: Repeat, language: str) -> list[Message]:
    """How often, in a month on which days, and until when."""
    on = [_on(repeat, language)] if repeat.rule.every is Every.MONTH else []
    return [_often(repeat), *on, _ends(repeat)]


def days_of(repeat: Repeat) -> list[int]:
    """The weekdays of a weekly rule, 0 is Monday."""
    weekly = repeat.rule.every is Every.WEEK
    return list(repeat.rule.weekdays or (repeat.starts_on.weekday(),)) if weekly else []


def _often(repeat: Repeat) -> Message:
    unit = {Every.DAY: "day", Every.WEEK: "week", Every.MONTH: "month"}[repeat.rule.every]
    if repeat.rule.interval > 1:
        return Message(f"series.every_{unit}s", {"count": repeat.rule.interval})
    return Message(f"series.every_{unit}")


def _on(repeat: Repeat, language: str) -> Message:
    """The days of a month."""
    rule = repeat.rule
    if rule.which is not None:
        return weekday_said(rule.which, rule.weekdays[0], language)
    dates = month_days(rule, repeat.starts_on)
    ending = "" if max(dates) <= LATEST else "_or_last" if rule.or_last else "_if_any"
    return Message(f"series.on_dates{ending}", {"days": ", ".join(map(str, dates))})


def weekday_said(which: int, weekday: int, language: str) -> Message:
    """The first Monday of a month."""
    nth = say(Message(f"series.nth.{which}"), language)
    return Message("series.on_nth", {"nth": nth, "day": say(Message(f"series.day.{weekday}"), language)})


def _ends(repeat: Repeat) -> Message:
    end = repeat.rule.end
    if end is None:
        return Message("series.ends_never")
    if isinstance(end, int):
        return Message("series.ends_after", {"count": end})
    return Message("series.ends_on", {"day": f"{end:%d/%m/%Y}"})


def of_occurrence(entries: Sequence[Entry], key: str, now: datetime) -> list[Entry]:
    """The deliveries of one time of a post that repeats: the one that was asked for, else the next that stands, else
    the last. All of a post that does not repeat."""
    if not any(one.series_id or one.occurrence_key.startswith(pools.KEY) for one in entries):
        return list(entries)
    coming = [one for one in entries if one.due_at >= now and one.state != "cancelled"]
    wanted = key if any(one.occurrence_key == key for one in entries) else (coming or entries[-1:])[0].occurrence_key
    return [one for one in entries if one.occurrence_key == wanted]
