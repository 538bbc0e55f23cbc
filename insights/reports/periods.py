"""The periods of reports: days, calendar weeks (ISO 8601) and calendar months, and the instants at
which a report of a period is due. Everything here is pure."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from foundation.ops.wall_time import WallTime, day_bounds, local_day
from insights.rollups.periods import DateRange

MAX_MONTH_DAY = 28
"""Latest day of the month on which a monthly report is sent, because every month has it."""

ONE_DAY = timedelta(days=1)


class ReportKind(StrEnum):
    """The length of the period of a report."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


CATCH_UP = {ReportKind.DAILY: 7, ReportKind.WEEKLY: 4, ReportKind.MONTHLY: 3}
"""Number of past periods whose reports are still created after a downtime."""

SPAN_DAYS = {ReportKind.DAILY: 1, ReportKind.WEEKLY: 7, ReportKind.MONTHLY: 31}


@dataclass(frozen=True)
class ReportTiming:
    """The local time of a report in `zone`. `weekday` (0 is Monday) counts for weekly reports only,
    and `month_day` for monthly ones."""

    kind: ReportKind
    hour: int
    zone: str
    weekday: int = 0
    month_day: int = 1


@dataclass(frozen=True)
class DuePeriod:
    """A period, and the instant (UTC-aware) from which its report can be sent."""

    period: DateRange
    due_at: datetime


def period_before(kind: ReportKind, day: date) -> DateRange:
    """Return the last period that ended before a day."""
    return period_with(kind, _first_day(kind, day) - ONE_DAY)


def period_with(kind: ReportKind, day: date) -> DateRange:
    """Return the period that contains a day."""
    first = _first_day(kind, day)
    match kind:
        case ReportKind.DAILY:
            return DateRange(first, first)
        case ReportKind.WEEKLY:
            return DateRange(first, first + timedelta(days=6))
        case ReportKind.MONTHLY:
            following = (first + timedelta(days=32)).replace(day=1)
            return DateRange(first, following - ONE_DAY)


def _first_day(kind: ReportKind, day: date) -> date:
    match kind:
        case ReportKind.DAILY:
            return day
        case ReportKind.WEEKLY:
            return day - timedelta(days=day.weekday())
        case ReportKind.MONTHLY:
            return day.replace(day=1)


def list_due_periods(
    timing: ReportTiming, creator_zones: Collection[str], since: datetime, now: datetime
) -> list[DuePeriod]:
    """Return the periods whose reports became due in (since, now], earliest first, at most
    `CATCH_UP` of them.

    A report waits for the end of its period in the time zones of all creators. On a day without its
    hour (a clock change), it is due at the next hour.
    """
    kept = timedelta(days=SPAN_DAYS[timing.kind] * (CATCH_UP[timing.kind] + 2))
    found = [
        one
        for one in _generate_periods(timing, creator_zones, max(since, now - kept) - ONE_DAY)
        if since < one.due_at <= now
    ]
    return found[-CATCH_UP[timing.kind] :]


def next_period(timing: ReportTiming, creator_zones: Collection[str], now: datetime) -> DuePeriod:
    """Return the first period whose report becomes due after `now`."""
    return next(
        one
        for one in _generate_periods(timing, creator_zones, now - 3 * ONE_DAY, forever=True)
        if one.due_at > now
    )


def _generate_periods(
    timing: ReportTiming, creator_zones: Collection[str], start: datetime, *, forever: bool = False
) -> Iterator[DuePeriod]:
    """Yield the periods of all report days from the local day of `start` on."""
    day = local_day(start, timing.zone)
    most = SPAN_DAYS[timing.kind] * (CATCH_UP[timing.kind] + 3) + 70
    for _ in range(10 * most if forever else most):
        if _is_report_day(timing, day):
            period = period_before(timing.kind, day)
            sent = WallTime(day, time(timing.hour), timing.zone).instant()
            ends = [day_bounds(period.last, zone)[1] for zone in creator_zones]
            yield DuePeriod(period, max([sent, *ends]))
        day += ONE_DAY


def _is_report_day(timing: ReportTiming, day: date) -> bool:
    match timing.kind:
        case ReportKind.DAILY:
            return True
        case ReportKind.WEEKLY:
            return day.weekday() == timing.weekday
        case ReportKind.MONTHLY:
            return day.day == timing.month_day
