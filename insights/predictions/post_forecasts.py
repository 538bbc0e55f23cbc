"""Expected results of running posts as a range, and ranks of scheduled posts among past ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import numpy as np

from channels.accounts.queries import Channel, list_channels
from foundation.db.database import Scope
from insights.predictions import growth, rank_models
from insights.predictions.draft_ranks import DraftRank, RankModel
from insights.predictions.evidence import NotEnoughData
from insights.predictions.growth import CountRange, Floats, GrowthModel
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePostContent
from schedules.posts.queries import DeliveryEntry, entries_between
from schedules.posts.states import DeliveryState
from tenants.agencies.queries import Creator

METRICS = ("views", "likes")
"""Metrics that are extrapolated: the first one that a platform reports."""

EARLY_AGES = (3, 12, 24)
TARGET_AGE = 168
RUNNING = timedelta(hours=TARGET_AGE)
AHEAD = timedelta(days=14)
MAX_SHOWN = 50

UPCOMING = frozenset({DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED})


@dataclass(frozen=True)
class RunningPost:
    """A post that has been live for less than seven days: the count of `metric` at its last reading
    (`age_hours`) and the expected count after seven days, None without enough past posts.

    `is_pooled` marks a range from the agency's other accounts on the platform. `missing` says how
    many past posts there are.
    """

    post: LivePostContent
    channel: Channel
    metric: str
    age_hours: int
    count: int
    range: CountRange | None
    model: GrowthModel | None
    is_pooled: bool
    missing: NotEnoughData | None


@dataclass(frozen=True)
class ScheduledPost:
    """A scheduled post with its rank, None if its account has no proven ranks."""

    entry: DeliveryEntry
    rank: DraftRank | None
    missing: NotEnoughData | None


_PAIRS = """
SELECT p.early, p.late
FROM unnest(CAST(:channels AS uuid[])) AS of (id)
CROSS JOIN LATERAL (
  SELECT e.value AS early, l.value AS late, e.observed_at AS at
  FROM metric_snapshots e
  JOIN metric_snapshots l ON l.tenant_id = e.tenant_id AND l.delivery_id = e.delivery_id
    AND l.metric = e.metric AND l.age_hours = :target AND l.value IS NOT NULL
  WHERE e.tenant_id = :tenant AND e.channel_id = of.id AND e.metric = :metric
    AND e.age_hours = :age AND e.value >= 0 AND l.value >= e.value
  ORDER BY e.observed_at DESC LIMIT :most
) p
ORDER BY p.at DESC LIMIT :most
"""

_LATEST = """
SELECT DISTINCT ON (delivery_id) delivery_id, metric, age_hours, value FROM metric_snapshots
WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:ids AS uuid[])) AND value IS NOT NULL
  AND metric = ANY(:metrics) AND age_hours = ANY(:ages)
ORDER BY delivery_id, array_position(:metrics, metric), age_hours DESC
"""


def list_running_posts(scope: Scope, creators: Sequence[Creator]) -> list[RunningPost]:
    """Return the posts of the last seven days that have been read at one of `EARLY_AGES`, newest
    first."""
    ids = [one.id for one in creators]
    posts = live_posts.list_live_posts_between(
        scope, ids, scope.now - RUNNING, scope.now, limit=MAX_SHOWN
    )
    return _describe_running(scope, posts)


def describe_deliveries(
    scope: Scope, creator_id: UUID, deliveries: Collection[UUID]
) -> list[RunningPost]:
    """Return those of these deliveries of a creator that `list_running_posts` describes."""
    posts = live_posts.list_live_posts(scope, creator_id, deliveries)
    return _describe_running(scope, [one for one in posts if one.at > scope.now - RUNNING])


def _describe_running(scope: Scope, posts: Sequence[LivePostContent]) -> list[RunningPost]:
    """Return the posts that have been read at one of `EARLY_AGES`. A model is fitted once for each
    account, metric and age."""
    latest = {
        row.delivery_id: row
        for row in scope.run(
            _LATEST,
            tenant=scope.tenant_id,
            ids=[one.delivery_id for one in posts],
            metrics=list(METRICS),
            ages=list(EARLY_AGES),
        )
    }
    channels = {one.id: one for one in list_channels(scope)}
    models: dict[tuple[UUID, str, int], tuple[GrowthModel | None, bool, NotEnoughData | None]] = {}
    found = []
    for post in posts:
        row = latest.get(post.delivery_id)
        channel = channels.get(post.channel_id)
        if row is None or channel is None:
            continue
        key = (channel.id, row.metric, row.age_hours)
        if key not in models:
            models[key] = load_growth(scope, channel, channels.values(), row.metric, row.age_hours)
        model, pooled, missing = models[key]
        expected = growth.predict_count(model, row.value) if model is not None else None
        found.append(
            RunningPost(
                post,
                channel,
                row.metric,
                row.age_hours,
                row.value,
                expected,
                model,
                pooled,
                missing,
            )
        )
    return found


def load_growth(
    scope: Scope, channel: Channel, channels: Collection[Channel], metric: str, age_hours: int
) -> tuple[GrowthModel | None, bool, NotEnoughData | None]:
    """Return the growth of an account's posts, of the platform's accounts of the agency (True) if
    its own are too few, or what is missing."""
    own = _load_pairs(scope, [channel], metric, age_hours)
    if len(own[0]) >= growth.MIN_POSTS:
        return growth.fit_growth(*own), False, None
    others = [one for one in channels if one.platform == channel.platform]
    pooled = _load_pairs(scope, others, metric, age_hours)
    if len(pooled[0]) >= growth.MIN_POSTS:
        return growth.fit_growth(*pooled), True, None
    return None, False, NotEnoughData(len(own[0]), growth.MIN_POSTS, "posts")


def _load_pairs(
    scope: Scope, channels: Collection[Channel], metric: str, age_hours: int
) -> tuple[Floats, Floats]:
    """Return the early and late counts of past posts, oldest first."""
    rows = scope.run(
        _PAIRS,
        tenant=scope.tenant_id,
        channels=[one.id for one in channels],
        metric=metric,
        age=age_hours,
        target=TARGET_AGE,
        most=growth.MAX_POSTS,
    ).all()
    pairs = np.array([(row.early, row.late) for row in reversed(rows)], dtype=np.float64)
    pairs = pairs.reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def list_scheduled_posts(scope: Scope, creators: Sequence[Creator]) -> list[ScheduledPost]:
    """Return the posts of the next 14 days with their ranks, earliest first."""
    models: dict[UUID, tuple[RankModel | None, NotEnoughData | None]] = {}
    found = []
    for creator in creators:
        entries = entries_between(scope, creator.id, scope.now, scope.now + AHEAD)
        for entry in entries[:MAX_SHOWN]:
            if entry.state not in UPCOMING:
                continue
            if entry.channel_id not in models:
                models[entry.channel_id] = rank_models.load_rank_model(
                    scope, creator.id, entry.channel_id
                )
            model, missing = models[entry.channel_id]
            text = rank_models.draft_text(entry.title, entry.body, entry.media)
            rank = model.rank(text) if model is not None else None
            found.append(ScheduledPost(entry, rank, missing))
    return sorted(found, key=lambda one: (one.entry.due_at, one.entry.delivery_id))[:MAX_SHOWN]
