"""Hours an account might post at: what its results say, and one drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

import numpy as np

from foundation.database import Scope
from foundation.ids import derived
from insights import reads as insight_reads
from insights import timing
from insights.timing import Advice
from schedules import reads as schedule_reads
from schedules.calendar import local_day, zone_of
from tenants.reads import Creator

AGE_HOURS = 24
"""The age at which posts are compared: a week is late to learn from, an hour is mostly chance."""

WORKDAYS, WEEKENDS = (0, 1, 2, 3, 4), (5, 6)
"""Days as slots count them: 0 is Monday."""


@dataclass(frozen=True)
class Drawn:
    """An hour of the week that is drawn at random, the same all week."""

    weekday: int
    clock: time


@dataclass(frozen=True)
class Hours:
    """What may be filled in."""

    advice: Advice
    drawn: Drawn


def hours(scope: Scope, creator: Creator, channel_id: UUID) -> Hours:
    """What the results of an account say of its hours, on the creator's clock."""
    found = insight_reads.results(scope, channel_id, age_hours=AGE_HOURS, most=timing.MOST)
    zone, outside = zone_of(creator.zone), schedule_reads.published_at(scope, found)
    at = {one: moment.astimezone(zone) for one, moment in outside.items()}
    samples = [
        (at[one].hour + at[one].minute / 60, float(at[one].weekday() in WEEKENDS), value)
        for one, value in found.items()
        if one in at
    ]
    week = local_day(scope.now, creator.zone).isocalendar()
    drawn = derived(channel_id, "explore", week.year, week.week).int % (7 * 24)
    advice = timing.advise(np.array(samples, dtype=np.float64).reshape(-1, 3))
    return Hours(advice, Drawn(drawn // 24, time(drawn % 24)))


def days_of(weekend: bool) -> Sequence[int]:
    """The days an hour counts for."""
    return WEEKENDS if weekend else WORKDAYS
