"""Time layout of a proposed week: assign a day and an hour to each post."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime, day_bounds, to_wall_time
from schedules.availability import quiet_periods, slots
from schedules.availability.minimum_interval import busy_times, has_room, minimum_interval_of
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.usual_hours import DEFAULT_USUAL_HOUR, list_usual_hours
from schedules.suggestions.shared.results import HourResult, best_hours
from schedules.suggestions.weekly_plans.brief import WeekBrief

From = Literal["slot", "best", "usual", "plain"]
"""Origin of an hour: a slot of an account, an hour with proven results, a usual hour of the
creator, or a default."""

WEEKENDS = (5, 6)
PLAIN = (DEFAULT_USUAL_HOUR, time(12, 30), time(20, 30), time(9), time(15, 30))
"""Default hours, for creators without usual hours and days with more posts than hours."""

BETWEEN = timedelta(hours=1)
"""Minimum interval between two posts of a proposal."""


@dataclass(frozen=True)
class FreeHour:
    """A candidate local time with its origin."""

    at: WallTime
    source: From


@dataclass(frozen=True)
class OccupiedTimes:
    """Constraints on hours: occupied instants (sorted), quiet periods, the minimum interval and the
    current time."""

    instants: Sequence[datetime]
    closed: Sequence[QuietPeriod]
    gap: timedelta
    now: datetime


def spread_over_days(days: Sequence[date], count: int) -> list[date]:
    """Distribute `count` posts evenly over these days, in order; pure.

    The numbers of posts per day differ by one at most.
    """
    return [days[number * len(days) // count] for number in range(count)] if days else []


def choose_hours(wanted: Iterable[Sequence[FreeHour]], taken: OccupiedTimes) -> list[FreeHour]:
    """Choose the first free future hour from each list; return the chosen hours by time; pure.

    Each is at least the minimum interval from occupied instants and other choices. A list without
    such an hour is skipped.
    """
    instants = sorted(taken.instants)
    found = []
    for hours in wanted:
        for hour in hours:
            at = hour.at.instant()
            if (
                at > taken.now
                and has_room(instants, at, taken.gap)
                and quiet_periods.find_covering_period(taken.closed, at) is None
            ):
                found.append(hour)
                instants = sorted([*instants, at])
                break
    return sorted(found, key=lambda hour: hour.at.instant())


def lay_out_week(scope: Scope, brief: WeekBrief, zone: str) -> list[FreeHour]:
    """Return an hour for each post of a brief, fewer if its days are full. Raises NotFound."""
    known = [queries.get_channel(scope, one) for one in brief.channels]
    since = min(scope.now, day_bounds(brief.posting_days[0], zone)[0])
    instants = sorted(at for one in known for at in busy_times(scope, one.id, since))
    closed = [
        period
        for one in known
        for period in quiet_periods.quiet_periods_of_channel(scope, brief.creator_id, one.id)
    ]
    gap = max([BETWEEN, *map(minimum_interval_of, known)])
    hours = {day: _rank_free_hours(scope, brief, zone, day) for day in brief.posting_days}
    return choose_hours(
        (hours[day] for day in spread_over_days(brief.posting_days, brief.count)),
        OccupiedTimes(instants, closed, gap, scope.now),
    )


def _rank_free_hours(scope: Scope, brief: WeekBrief, zone: str, day: date) -> list[FreeHour]:
    """Return the hours of a day, best first: slots, proven hours, usual hours, defaults."""
    known = [
        slot
        for one in brief.channels
        for slot in slots.list_slots(scope, one)
        if slot.weekday == day.weekday()
    ]
    of_slots = sorted(slot.place_on(day).instant() for slot in known)
    habit = list_usual_hours(scope, [brief.creator_id])[brief.creator_id]
    # The default hour is not a habit; it is among the default hours below.
    usual = [] if habit == [DEFAULT_USUAL_HOUR] else habit
    proven: list[HourResult] = []
    if brief.results is not None:
        weekend = day.weekday() in WEEKENDS
        proven = best_hours(brief.results, brief.channels, weekend=weekend)
    return [
        *(FreeHour(to_wall_time(at, zone), "slot") for at in of_slots),
        *(FreeHour(WallTime(day, time(one.clock), zone), "best") for one in proven),
        *(FreeHour(WallTime(day, clock, zone), "usual") for clock in usual),
        *(FreeHour(WallTime(day, clock, zone), "plain") for clock in PLAIN),
    ]
