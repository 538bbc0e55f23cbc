"""Repeating, as people choose and read it: fields become a rule, a rule becomes words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dashboard.reads.when import day_of
from foundation.errors import BadInput
from foundation.words import LANGUAGES, Message, say
from schedules import pools
from schedules.calendar import WallTime
from schedules.reads import Entry
from schedules.recurrence import MOST_TIMES, Every, Repeat, Rule

NEVER = "never"
KINDS = (NEVER, *map(str, Every))
WEEKDAYS = tuple(map(str, range(7)))


@dataclass(frozen=True)
class Choice:
    """What stands in the fields of a repetition. `end` is a date, a number of times, or the words for none."""

    every: str = NEVER
    step: str = "1"
    days: tuple[str, ...] = ()
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
        rule = Rule(
            every,
            _end(self.end),
            _number(self.step),
            weekdays=tuple(sorted(int(one) for one in self.days if one in WEEKDAYS)) if every is Every.WEEK else (),
            month_day=first.day.day if every is Every.MONTH else None,
            or_last=self.or_last and every is Every.MONTH,
        )
        return Repeat(rule, first.day, first.clock, first.zone)


def chosen_of(repeat: Repeat, language: str) -> Choice:
    """The fields that say what a series says."""
    rule = repeat.rule
    end = endless(language) if rule.end is None else str(rule.end)
    if isinstance(rule.end, date):
        end = f"{rule.end:%d/%m/%Y}"
    return Choice(str(rule.every), str(rule.interval), tuple(map(str, rule.weekdays)), rule.or_last, end)


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


def rule_said(repeat: Repeat) -> list[Message]:
    """How often, and until when."""
    return [_often(repeat), _ends(repeat)]


def days_of(repeat: Repeat) -> list[int]:
    """The weekdays of a weekly rule, 0 is Monday."""
    weekly = repeat.rule.every is Every.WEEK
    return list(repeat.rule.weekdays or (repeat.starts_on.weekday(),)) if weekly else []


def _often(repeat: Repeat) -> Message:
    rule, several = repeat.rule, repeat.rule.interval > 1
    match rule.every:
        case Every.DAY:
            return Message("series.every_days", {"count": rule.interval}) if several else Message("series.every_day")
        case Every.WEEK:
            return Message("series.every_weeks", {"count": rule.interval}) if several else Message("series.every_week")
        case Every.MONTH:
            day = rule.month_day or repeat.starts_on.day
            ending = "_or_last" if rule.or_last else ""
            code = f"series.every_months{ending}" if several else f"series.every_month{ending}"
            return Message(code, {"day": day, "count": rule.interval} if several else {"day": day})


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
