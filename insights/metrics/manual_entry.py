"""Metrics that a member reads on a platform and enters, for posts made manually, which no API can
read."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from insights.metrics.events import READING_AGES, RollupDue
from insights.metrics.readings import MAX_READING_DRIFT, POST_METRICS
from schedules.posts import live_posts
from tenants import audit
from tenants.agencies import queries

TYPED_METRICS = tuple(metric for metric in POST_METRICS if metric != "clicks")
"""Metrics that platforms display with a post."""

MAX_TYPED_VALUE = 10**12

_KEEP = """
INSERT INTO metric_snapshots (tenant_id, id, creator_id, delivery_id, channel_id, metric,
age_hours, value, quality,
  observed_at) VALUES (:tenant, :id, :creator, :delivery, :channel, :metric, :age, :value,
  'typed', :now)
ON CONFLICT (tenant_id, delivery_id, metric, age_hours) DO UPDATE SET value = EXCLUDED.value,
  quality = EXCLUDED.quality, observed_at = EXCLUDED.observed_at, updated_at = house_now()
WHERE metric_snapshots.quality <> 'measured'
"""

_BEFORE = """
SELECT DISTINCT observed_at FROM metric_snapshots WHERE tenant_id = :tenant AND delivery_id =
:delivery
  AND age_hours = :age AND quality = 'typed'
"""


def store_typed_metrics(scope: Scope, delivery_id: UUID, told: Mapping[str, str]) -> int:
    """Store entered metrics of a post; empty values are unknown, never zero. Return their number.

    Values entered again at the same age replace earlier entries, but never measured ones. Raises
    NotFound for a post that is not live, and BadInput for an invalid number or none at all.
    """
    post = live_posts.find_live_post(scope, delivery_id)
    if post is None:
        raise NotFound("post.unknown")
    numbers = {
        metric: _parse_metric_value(told[metric])
        for metric in TYPED_METRICS
        if told.get(metric, "").strip()
    }
    if not numbers:
        raise BadInput("numbers.none")
    age = nearest_reading_age(scope.now - post.at)
    corrected = (
        scope.run(_BEFORE, tenant=scope.tenant_id, delivery=delivery_id, age=age).scalars().all()
    )
    for metric, value in numbers.items():
        scope.run(
            _KEEP,
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=post.creator_id,
            delivery=delivery_id,
            channel=post.channel_id,
            metric=metric,
            age=age,
            value=value,
            now=scope.now,
        )
    audit.record(scope, "numbers.typed", f"delivery:{delivery_id}", count=len(numbers))
    zone = queries.get_creator(scope, post.creator_id).zone
    for day in sorted(
        {local_day(at, zone) for at in (*corrected, scope.now)}
    ):  # rebuild the days of replaced entries as well
        outbox.put(scope, RollupDue(scope.tenant_id, post.creator_id, day))
    return len(numbers)


def nearest_reading_age(passed: timedelta) -> int:
    """Return the reading age in hours for a value read after `passed`: a standard age if it is
    close enough, else the age itself. Values at other than standard ages are not compared."""
    hours = max(passed // timedelta(hours=1), 0)
    return next(
        (age for age in READING_AGES if age <= hours <= age * (1 + MAX_READING_DRIFT)), hours
    )


def _parse_metric_value(said: str) -> int:
    digits = "".join(said.split()).replace("\u202f", "").replace("\u00a0", "")
    if not (digits.isascii() and digits.isdigit()) or int(digits) > MAX_TYPED_VALUE:
        raise BadInput("numbers.unreadable", said=said.strip()[:20])
    return int(digits)
