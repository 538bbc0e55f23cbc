"""Posting times of accounts: the evidence by hour, the best times, automatic slots, and the uplift
of chosen hours over random ones.

Only posts of automatic slots were assigned at random, so only they show an effect of the hour.
Other posts differ in more than their hour.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID

import numpy as np

from channels.accounts.queries import get_channel, list_channels
from foundation.db.database import Scope
from foundation.ops.wall_time import load_zone
from insights.analysis import best_times
from insights.analysis.best_times import BestTimesAdvice, Floats
from insights.analysis.experiment_statistics import compare_means
from insights.metrics.queries import post_results
from insights.metrics.readings import INTERACTION_METRICS
from schedules.availability import slots
from schedules.availability.slots import EXPLORED_HOURS, Slot
from schedules.posts import queries
from tenants.agencies.queries import Creator, get_creator

AGE_HOURS = 24
"""Age at which the results of posts are compared. An hour after publishing, results are mostly
random; after a week, they arrive too late to be useful."""

WEEKENDS = (5, 6)
"""Weekdays of the weekend, numbered as in slots: 0 is Monday."""

MIN_RANDOM_POSTS = 10
"""Minimum number of measured posts at random hours for an uplift."""

UPLIFT_ALPHA = 0.2
"""The interval of the uplift holds with 80 %."""

MAX_POOLED = 8
"""Maximum number of other accounts that form a prior."""

LATELY = timedelta(days=365)


@dataclass(frozen=True)
class TimedPost:
    """A measured post: local weekday and hour with minutes, and its interactions."""

    weekday: int
    hour: float
    value: int


@dataclass(frozen=True)
class HourCell:
    """The posts of an hour of a weekday, and their geometric mean relative to the account's
    (0.2 is 20 % more)."""

    weekday: int
    hour: int
    posts: int
    share: float


@dataclass(frozen=True)
class TimingUplift:
    """The result of posts at chosen hours relative to posts at random hours of the same slots, with
    an 80 % interval. The shares are None until `lacking` is 0."""

    chosen: int
    random: int
    lacking: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class TimingEvidence:
    """The evidence of the posting times of an account."""

    advice: BestTimesAdvice
    cells: Sequence[HourCell]
    uplift: TimingUplift
    automatic_slots: int
    is_pooled: bool
    """True if other accounts of the platform contribute a prior."""


def load_timed_posts(scope: Scope, channel_id: UUID, zone: str) -> list[TimedPost]:
    """Return the newest measured posts of an account in a time zone."""
    found = post_results(scope, channel_id, age_hours=AGE_HOURS, most=best_times.MAX_SAMPLES)
    place = load_zone(zone)
    times = queries.publish_times(scope, found)
    at = {one: moment.astimezone(place) for one, moment in times.items()}
    return [
        TimedPost(at[one].weekday(), at[one].hour + at[one].minute / 60, value)
        for one, value in found.items()
        if one in at
    ]


def count_measured_posts(scope: Scope, channels: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of measured posts of each of these accounts in the last year."""
    rows = scope.run(
        "SELECT channel_id, count(DISTINCT delivery_id) AS posts FROM metric_snapshots"
        " WHERE tenant_id = :tenant AND channel_id = ANY(CAST(:channels AS uuid[]))"
        " AND age_hours = :age AND metric = ANY(:metrics) AND value IS NOT NULL"
        " AND observed_at > :since GROUP BY channel_id",
        tenant=scope.tenant_id,
        channels=list(channels),
        age=AGE_HOURS,
        metrics=list(INTERACTION_METRICS),
        since=scope.now - LATELY,
    )
    return {row.channel_id: row.posts for row in rows}


def load_timing_evidence(scope: Scope, creator: Creator, channel_id: UUID) -> TimingEvidence:
    """Return the evidence of an account in its creator's time zone."""
    posts = load_timed_posts(scope, channel_id, creator.zone)
    prior = load_pool_prior(scope, channel_id)
    known = slots.list_slots(scope, channel_id)
    return TimingEvidence(
        best_times.suggest_best_times(_sample_array(posts), prior),
        summarize_cells(posts),
        load_uplift(scope, channel_id),
        sum(one.automatic for one in known),
        prior is not None,
    )


def load_pool_prior(scope: Scope, channel_id: UUID) -> Floats | None:
    """Return the prior from the agency's other accounts on the same platform, or None."""
    platform = get_channel(scope, channel_id).platform
    others = [
        one for one in list_channels(scope) if one.platform == platform and one.id != channel_id
    ]
    zones = {one.creator_id: get_creator(scope, one.creator_id).zone for one in others[:MAX_POOLED]}
    return best_times.pool_prior(
        [
            _sample_array(load_timed_posts(scope, one.id, zones[one.creator_id]))
            for one in others[:MAX_POOLED]
        ]
    )


def summarize_cells(posts: Sequence[TimedPost]) -> list[HourCell]:
    """Return the cells with posts, by weekday and hour; pure."""
    if not posts:
        return []
    usual = sum(math.log1p(one.value) for one in posts) / len(posts)
    by_cell: dict[tuple[int, int], list[float]] = {}
    for one in posts:
        cell = (one.weekday, int(one.hour))
        by_cell.setdefault(cell, []).append(math.log1p(one.value) - usual)
    return [
        HourCell(*cell, len(each), math.expm1(sum(each) / len(each)))
        for cell, each in sorted(by_cell.items())
    ]


_RESULTS = """
SELECT delivery_id, sum(value) AS value FROM metric_snapshots
WHERE tenant_id = :tenant AND delivery_id = ANY(:deliveries) AND age_hours = :age
  AND value IS NOT NULL AND metric = ANY(:metrics)
GROUP BY delivery_id
"""


def load_uplift(scope: Scope, channel_id: UUID) -> TimingUplift:
    """Return the uplift of an account's automatic slots over the last year."""
    trials = slots.list_timing_trials(scope, channel_id, since=scope.now - LATELY)
    rows = scope.run(
        _RESULTS,
        tenant=scope.tenant_id,
        deliveries=list(trials),
        age=AGE_HOURS,
        metrics=list(INTERACTION_METRICS),
    )
    values: dict[bool, list[int]] = {True: [], False: []}
    for row in rows:
        values[trials[row.delivery_id]].append(int(row.value))
    return estimate_uplift(values[False], values[True])


def estimate_uplift(chosen: Sequence[int], random: Sequence[int]) -> TimingUplift:
    """Return the uplift of posts at chosen hours over posts at random hours; pure."""
    lacking = max(MIN_RANDOM_POSTS - min(len(chosen), len(random)), 0)
    told = TimingUplift(len(chosen), len(random), lacking)
    if lacking:
        return told
    logs = [[math.log1p(one) for one in each] for each in (random, chosen)]
    found = compare_means(*logs, alpha=UPLIFT_ALPHA)
    shares = [math.expm1(one) for one in (found.value, found.low, found.high)]
    return TimingUplift(len(chosen), len(random), 0, *shares)


def move_automatic_slots(scope: Scope, creator_id: UUID) -> int:
    """Move a creator's automatic slots to the hours with the best expected result; return the
    number of moved slots. Scheduled posts keep their times.

    An account without `MIN_SAMPLES` measured posts of its own keeps its hours. Weekdays never
    change, and slots of the same day stay `best_times.APART` hours apart.
    """
    zone = get_creator(scope, creator_id).zone
    moved = 0
    for channel_id, automatic in slots.list_automatic_slots(scope, creator_id).items():
        posts = load_timed_posts(scope, channel_id, zone)
        if len(posts) < best_times.MIN_SAMPLES:
            continue
        gains = best_times.expected_gains(_sample_array(posts), load_pool_prior(scope, channel_id))
        for slot, hour in assign_hours(automatic, gains):
            moved += slots.move_slot_clock(scope, slot.id, time(hour, slot.clock.minute))
    return moved


def assign_hours(automatic: Sequence[Slot], gains: Floats) -> list[tuple[Slot, int]]:
    """Return each slot with its best hour; slots of a weekday stay apart; pure."""
    taken: dict[int, list[int]] = {}
    found = []
    for slot in automatic:
        row = gains[int(slot.weekday in WEEKENDS)]
        used = taken.setdefault(slot.weekday, [])
        free = [
            hour
            for hour in EXPLORED_HOURS
            if all(abs(hour - other) >= best_times.APART for other in used)
        ]
        if not free:
            continue
        hour = best_times.choose_hour(row, free, draw=1.0).clock
        used.append(hour)
        found.append((slot, hour))
    return found


def _sample_array(posts: Sequence[TimedPost]) -> Floats:
    rows = [(one.hour, float(one.weekday in WEEKENDS), float(one.value)) for one in posts]
    return np.array(rows, dtype=np.float64).reshape(-1, 3)
