"""Suggested posting times of an account: times derived from its results, and a random one for
comparison."""

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
"""Age at which the results of posts are compared. An hour after publishing, results are mostly
random; after a week, they arrive too late to be useful."""

WORKDAYS = (0, 1, 2, 3, 4)
WEEKENDS = (5, 6)
"""Weekdays of the weekend, numbered as in slots: 0 is Monday."""


@dataclass(frozen=True)
class RandomSlot:
    """A random slot, which does not change for a week."""

    weekday: int
    clock: time


@dataclass(frozen=True)
class BestTimesView:
    """Suggestions for the slot form."""

    advice: BestTimesAdvice
    drawn: RandomSlot


def load_best_times(scope: Scope, creator: Creator, channel_id: UUID) -> BestTimesView:
    """Return the best posting times of an account in the creator's time zone."""
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
    """Return the weekdays that a suggestion applies to."""
    return WEEKENDS if weekend else WORKDAYS
