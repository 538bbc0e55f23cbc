"""Which day and hour each post of a proposed week gets; pure but for the reading of what is taken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal

from channels import reads as channel_reads
from foundation.database import Scope
from schedules import agenda, quiet, slots
from schedules.agenda import FIRST_HOUR
from schedules.calendar import WallTime, bounds, local_wall
from schedules.quiet import Quiet
from schedules.spacing import busy, gap_of, room
from schedules.weeks_brief import Brief

From = Literal["slot", "usual", "plain"]
"""A time slot of an account, an hour at which posts of the creator leave again and again, or one of ours."""

PLAIN = (FIRST_HOUR, time(12, 30), time(20, 30), time(9), time(15, 30))
"""Hours for whom nothing is known of, and for days with more posts than hours."""

BETWEEN = timedelta(hours=1)
"""Between two posts of a proposal, at least."""


@dataclass(frozen=True)
class Hour:
    """A wall time that may be taken, and where it comes from."""

    at: WallTime
    source: From


@dataclass(frozen=True)
class Taken:
    """What speaks against an hour: instants in order, periods without posts, the least distance, and what is past."""

    instants: Sequence[datetime]
    closed: Sequence[Quiet]
    gap: timedelta
    now: datetime


def spread(days: Sequence[date], count: int) -> list[date]:
    """So many posts over these days, in order and evenly: no day has two more than another; pure."""
    return [days[number * len(days) // count] for number in range(count)] if days else []


def choose(wanted: Iterable[Sequence[Hour]], taken: Taken) -> list[Hour]:
    """Of each row of hours the first that is free, to come and far enough from all others, where there is one; pure.

    By time.
    """
    instants, found = sorted(taken.instants), []
    for hours in wanted:
        for hour in hours:
            at = hour.at.instant()
            if at > taken.now and room(instants, at, taken.gap) and quiet.covering(taken.closed, at) is None:
                found.append(hour)
                instants = sorted([*instants, at])
                break
    return sorted(found, key=lambda hour: hour.at.instant())


def lay(scope: Scope, brief: Brief, zone: str) -> list[Hour]:
    """An hour for each post of a brief, fewer where its days are full. Raises NotFound."""
    known = [channel_reads.channel(scope, one) for one in brief.channels]
    since = min(scope.now, bounds(brief.days[0], zone)[0])
    instants = sorted(at for one in known for at in busy(scope, one.id, since))
    closed = [period for one in known for period in quiet.of_channel(scope, brief.creator_id, one.id)]
    gap = max([BETWEEN, *map(gap_of, known)])
    hours = {day: _hours(scope, brief, zone, day) for day in brief.days}
    return choose((hours[day] for day in spread(brief.days, brief.count)), Taken(instants, closed, gap, scope.now))


def _hours(scope: Scope, brief: Brief, zone: str, day: date) -> list[Hour]:
    """Hours of a day, the best first: of slots, of habit, then plain ones."""
    known = [slot for one in brief.channels for slot in slots.slots_of(scope, one) if slot.weekday == day.weekday()]
    of_slots = sorted(slot.on(day).instant() for slot in known)
    habit = agenda.hours(scope, [brief.creator_id])[brief.creator_id]
    usual = [] if habit == [FIRST_HOUR] else habit
    return [
        *(Hour(local_wall(at, zone), "slot") for at in of_slots),
        *(Hour(WallTime(day, clock, zone), "usual") for clock in usual),
        *(Hour(WallTime(day, clock, zone), "plain") for clock in PLAIN),
    ]
