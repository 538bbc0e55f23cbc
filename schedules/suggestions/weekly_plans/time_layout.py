"""Which day and hour each post of a proposed week gets; pure but for the reading of what is
taken."""

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
from schedules.suggestions.weekly_plans.brief import WeekBrief

From = Literal["slot", "usual", "plain"]
"""A time slot of an account, an hour at which posts of the creator leave again and again, or one of
ours."""

PLAIN = (DEFAULT_USUAL_HOUR, time(12, 30), time(20, 30), time(9), time(15, 30))
"""Hours for whom nothing is known of, and for days with more posts than hours."""

BETWEEN = timedelta(hours=1)
"""Between two posts of a proposal, at least."""


@dataclass(frozen=True)
class FreeHour:
    """A wall time that may be taken, and where it comes from."""

    at: WallTime
    source: From


@dataclass(frozen=True)
class OccupiedTimes:
    """What speaks against an hour: instants in order, periods without posts, the least distance,
    and what is past."""

    instants: Sequence[datetime]
    closed: Sequence[QuietPeriod]
    gap: timedelta
    now: datetime


def spread_over_days(days: Sequence[date], count: int) -> list[date]:
    """So many posts over these days, in order and evenly: no day has two more than another;
    pure."""
    return [days[number * len(days) // count] for number in range(count)] if days else []


def choose_hours(wanted: Iterable[Sequence[FreeHour]], taken: OccupiedTimes) -> list[FreeHour]:
    """Of each row of hours the first that is free, to come and far enough from all others, where
    there is one; pure.

    By time.
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
    """An hour for each post of a brief, fewer where its days are full. Raises NotFound."""
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
    """Hours of a day, the best first: of slots, of habit, then plain ones."""
    known = [
        slot
        for one in brief.channels
        for slot in slots.list_slots(scope, one)
        if slot.weekday == day.weekday()
    ]
    of_slots = sorted(slot.place_on(day).instant() for slot in known)
    habit = list_usual_hours(scope, [brief.creator_id])[brief.creator_id]
    usual = [] if habit == [DEFAULT_USUAL_HOUR] else habit
    return [
        *(FreeHour(to_wall_time(at, zone), "slot") for at in of_slots),
        *(FreeHour(WallTime(day, clock, zone), "usual") for clock in usual),
        *(FreeHour(WallTime(day, clock, zone), "plain") for clock in PLAIN),
    ]
