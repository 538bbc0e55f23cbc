"""Hours an account might post at: what its results say, and one drawn at random."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from uuid import UUID

import numpy as np

from foundation.db.database import Scope
from foundation.ids import derived_uuid
from foundation.ops.wall_time import load_zone, local_day
from insights.analysis import best_times
from insights.analysis.best_times import BestTimesAdvice
from insights.metrics.queries import post_results
from schedules.posts import queries
from tenants.agencies.queries import Creator

AGE_HOURS = 24
"""The age at which posts are compared: a week is late to learn from, an hour is mostly chance."""

WORKDAYS = (0, 1, 2, 3, 4)
WEEKENDS = (5, 6)
"""Days as slots count them: 0 is Monday."""


@dataclass(frozen=True)
class RandomSlot:
    """An hour of the week that is drawn at random, the same all week."""

    weekday: int
    clock: time


@dataclass(frozen=True)
class BestTimesView:
    """What may be filled in."""

    advice: BestTimesAdvice
    drawn: RandomSlot


def load_best_times(scope: Scope, creator: Creator, channel_id: UUID) -> BestTimesView:
    """What the results of an account say of its hours, on the creator's clock."""
    found = post_results(scope, channel_id, age_hours=AGE_HOURS, most=best_times.MAX_SAMPLES)
    zone = load_zone(creator.zone)
    outside = queries.publish_times(scope, found)
    at = {one: moment.astimezone(zone) for one, moment in outside.items()}
    samples = [
        (at[one].hour + at[one].minute / 60, float(at[one].weekday() in WEEKENDS), value)
        for one, value in found.items()
        if one in at
    ]
    week = local_day(scope.now, creator.zone).isocalendar()
    drawn = derived_uuid(channel_id, "explore", week.year, week.week).int % (7 * 24)
    advice = best_times.suggest_best_times(np.array(samples, dtype=np.float64).reshape(-1, 3))
    return BestTimesView(advice, RandomSlot(drawn // 24, time(drawn % 24)))


def suggestion_days(weekend: bool) -> Sequence[int]:
    """The days an hour counts for."""
    return WEEKENDS if weekend else WORKDAYS
