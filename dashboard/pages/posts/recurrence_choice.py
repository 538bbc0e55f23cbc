"""Conversion between the fields of the recurrence form, recurrence rules and their descriptions."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from dashboard.shell.date_input import parse_date
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops.wall_time import WallTime
from schedules.posts.queries import DeliveryEntry
from schedules.recurrence import evergreen_pools
from schedules.recurrence.rules import (
    LAST_OF_MONTH,
    MAX_OCCURRENCES,
    WEEKS_OF_MONTH,
    Recurrence,
    RecurrenceRule,
    RecurrenceUnit,
    days_of_month,
)

NEVER = "never"
REPEAT_KINDS = (NEVER, *map(str, RecurrenceUnit))
WEEKDAYS = tuple(map(str, range(7)))
MONTH_DATES = tuple(map(str, range(1, 32)))
ON_DATE = "date"
ON_NTH = "nth"
ON_LAST = "last"
ON_DATES = "dates"
"""Kinds of monthly recurrence: the date of the first occurrence, its weekday counted from the start
or the end of the month, or selected dates."""

LAST_COMMON_DATE = 28
"""The last date that every month has."""


@dataclass(frozen=True)
class RecurrenceChoice:
    """Values of the recurrence form. `end` is a date, a number of occurrences, or the text for no
    end."""

    every: str = NEVER
    step: str = "1"
    days: tuple[str, ...] = ()
    month: str = ON_DATE
    dates: tuple[str, ...] = ()
    or_last: bool = False
    end: str = ""
    confirmed: bool = False

    @property
    def is_repeating(self) -> bool:
        """Return True if a recurrence is selected."""
        return self.every in REPEAT_KINDS and self.every != NEVER

    def to_repeat(self, first: WallTime) -> Recurrence:
        """Return the recurrence that starts at `first`. Raise BadInput for invalid fields."""
        every = RecurrenceUnit(self.every)
        rule = RecurrenceRule(every, _parse_end(self.end), _parse_interval(self.step))
        if every is RecurrenceUnit.WEEK:
            rule = replace(
                rule, weekdays=tuple(sorted(int(one) for one in self.days if one in WEEKDAYS))
            )
        if every is RecurrenceUnit.MONTH:
            rule = self._apply_month_days(rule, first.day)
        return Recurrence(rule, first.day, first.clock, first.zone)

    def _apply_month_days(self, rule: RecurrenceRule, first: date) -> RecurrenceRule:
        if self.month in (ON_NTH, ON_LAST):
            which = LAST_OF_MONTH if self.month == ON_LAST else weekday_ordinal(first)
            return replace(rule, weekdays=(first.weekday(),), which=which)
        dates: tuple[int, ...] = (first.day,)
        if self.month == ON_DATES:
            dates = tuple(sorted(int(one) for one in self.dates if one in MONTH_DATES))
            if not dates:
                raise BadInput("series.no_dates")
        return replace(
            rule, month_days=dates, or_last=self.or_last and max(dates) > LAST_COMMON_DATE
        )


def weekday_ordinal(day: date) -> int:
    """Return the position of a date among the same weekdays of its month. The fifth counts as the
    last."""
    nth = (day.day + 6) // 7
    return nth if nth in WEEKS_OF_MONTH else LAST_OF_MONTH


def monthly_options(first: date) -> tuple[str, ...]:
    """Return the kinds of monthly recurrence that are available for a first date."""
    last = first.day + 7 > monthrange(first.year, first.month)[1]
    nth = weekday_ordinal(first) != LAST_OF_MONTH
    return (ON_DATE, *((ON_NTH,) if nth else ()), *((ON_LAST,) if last else ()), ON_DATES)


def choice_of_repeat(repeat: Recurrence, language: str) -> RecurrenceChoice:
    """Return the form values for a recurrence."""
    rule = repeat.rule
    dates = days_of_month(rule, repeat.starts_on) if rule.every is RecurrenceUnit.MONTH else ()
    month = ON_DATE if dates in ((), (repeat.starts_on.day,)) else ON_DATES
    if rule.which is not None:
        month = ON_LAST if rule.which == LAST_OF_MONTH else ON_NTH
    end = endless_text(language) if rule.end is None else str(rule.end)
    if isinstance(rule.end, date):
        end = f"{rule.end:%d/%m/%Y}"
    days, chosen = (tuple(map(str, each)) for each in (rule.weekdays, dates))
    return RecurrenceChoice(
        str(rule.every), str(rule.interval), days, month, chosen, rule.or_last, end
    )


def endless_text(language: str) -> str:
    """Return the text that a user types for a recurrence without an end."""
    return render_message(Message("series.endless"), language)


def _parse_interval(text: str) -> int:
    try:
        return int(text.strip()[:6])
    except ValueError as error:
        raise BadInput("series.rule_unreadable").about("step") from error


def _parse_end(text: str) -> int | date | None:
    said = " ".join(text.split()).casefold()
    if not said:
        raise BadInput("series.end_unsaid").about("end")
    if said in {endless_text(one).casefold() for one in LANGUAGES}:
        return None
    if said.isdecimal():
        times = int(said[:6])
        if not 1 <= times <= MAX_OCCURRENCES:
            raise BadInput("series.too_often", most=MAX_OCCURRENCES).about("end")
        return times
    return parse_date(text)


def describe_rule(repeat: Recurrence, language: str) -> list[Message]:
    """Describe the frequency, the days of the month and the end of a recurrence."""
    on = (
        [_describe_month_days(repeat, language)]
        if repeat.rule.every is RecurrenceUnit.MONTH
        else []
    )
    return [_describe_frequency(repeat), *on, _describe_end(repeat)]


def rule_weekdays(repeat: Recurrence) -> list[int]:
    """Return the weekdays of a weekly rule, with 0 for Monday. Empty for other rules."""
    weekly = repeat.rule.every is RecurrenceUnit.WEEK
    return list(repeat.rule.weekdays or (repeat.starts_on.weekday(),)) if weekly else []


def _describe_frequency(repeat: Recurrence) -> Message:
    unit = {RecurrenceUnit.DAY: "day", RecurrenceUnit.WEEK: "week", RecurrenceUnit.MONTH: "month"}[
        repeat.rule.every
    ]
    if repeat.rule.interval > 1:
        return Message(f"series.every_{unit}s", {"count": repeat.rule.interval})
    return Message(f"series.every_{unit}")


def _describe_month_days(repeat: Recurrence, language: str) -> Message:
    rule = repeat.rule
    if rule.which is not None:
        return describe_weekday(rule.which, rule.weekdays[0], language)
    dates = days_of_month(rule, repeat.starts_on)
    if max(dates) <= LAST_COMMON_DATE:
        ending = ""
    elif rule.or_last:
        ending = "_or_last"
    else:
        ending = "_if_any"
    return Message(f"series.on_dates{ending}", {"days": ", ".join(map(str, dates))})


def describe_weekday(which: int, weekday: int, language: str) -> Message:
    """Describe a weekday of a month, such as "the first Monday"."""
    nth = render_message(Message(f"series.nth.{which}"), language)
    return Message(
        "series.on_nth",
        {"nth": nth, "day": render_message(Message(f"series.day.{weekday}"), language)},
    )


def _describe_end(repeat: Recurrence) -> Message:
    end = repeat.rule.end
    if end is None:
        return Message("series.ends_never")
    if isinstance(end, int):
        return Message("series.ends_after", {"count": end})
    return Message("series.ends_on", {"day": f"{end:%d/%m/%Y}"})


def occurrence_entries(
    entries: Sequence[DeliveryEntry], key: str, now: datetime
) -> list[DeliveryEntry]:
    """Return the deliveries of one occurrence of a recurring post: the requested one, otherwise the
    next one that is not cancelled, otherwise the last. Return all deliveries of a post that does
    not recur."""
    if not any(
        one.series_id or one.occurrence_key.startswith(evergreen_pools.POOL_KEY_PREFIX)
        for one in entries
    ):
        return list(entries)
    coming = [one for one in entries if one.due_at >= now and one.state != "cancelled"]
    wanted = (
        key
        if any(one.occurrence_key == key for one in entries)
        else (coming or entries[-1:])[0].occurrence_key
    )
    return [one for one in entries if one.occurrence_key == wanted]
