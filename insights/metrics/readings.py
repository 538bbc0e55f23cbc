"""Readings of post metrics at equal ages, so that posts can be compared."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from connectors.contract.post_presence import MissingPost
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from insights.metrics import deletion_checks
from insights.metrics.deletion_checks import CheckStillLive
from insights.metrics.events import READING_AGES, ReadingDue
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePost

INTERACTION_METRICS = ("likes", "comments", "shares", "saves")
"""Metrics counted as interactions. Sends count too, but no platform reports them."""

MAX_READING_DRIFT = 0.25
"""Maximum delay of a reading, as a share of its age, at which it is still comparable."""

POST_METRICS = ("views", "likes", "comments", "shares", "saves", "clicks")

_SHARES = ("shares", "reposts", "quotes")
"""Names of platforms for shares; their values are added up."""

COLLECTING = "system:collecting"

LAST = timedelta(hours=1)
"""Time before the expiry of a post at which it is read a last time."""


class ReadMetrics(Protocol):
    """Return the metrics of a post by name, or None if the platform reports none. No transaction is
    open."""

    def __call__(
        self, tenant_id: UUID, channel_id: UUID, native_id: str, /
    ) -> Mapping[str, int] | None: ...


def collect_readings(
    event: ReadingDue, *, tenant: OpenScope, read: ReadMetrics, still: CheckStillLive
) -> None:
    """Read the metrics of a post and store them; missing metrics are stored as "unavailable", never
    as zero.

    A reading that is too late is skipped, because it would have another age. A post that seems to
    be missing is checked again; one that has expired is not.
    """
    with tenant(event.tenant_id, COLLECTING) as scope:
        post = live_posts.find_live_post(scope, event.subject_id)
        if post is None:
            return  # removed posts leave the averages, but their history remains
        if post.ends is not None and event.age_hours == READING_AGES[0]:
            _schedule_final_reading(scope, event, post, post.ends - LAST)
        if post.has_expired(scope.now):
            return
        in_time = scope.now <= post.at + timedelta(hours=event.age_hours) * (1 + MAX_READING_DRIFT)
    told = read(event.tenant_id, post.channel_id, post.native_id) if in_time else None
    seen = (
        still(event.tenant_id, post.channel_id, post.native_id, told is not None)
        if in_time
        else None
    )
    numbers = keep_known_metrics(told) if told is not None else {}
    with tenant(event.tenant_id, COLLECTING) as scope:
        for metric in POST_METRICS:
            _record_metric(scope, event, post, metric, numbers.get(metric))
        if isinstance(seen, MissingPost) and not post.has_expired(scope.now):
            deletion_checks.schedule_deletion_recheck(scope, event.subject_id)


def _schedule_final_reading(scope: Scope, event: ReadingDue, post: LivePost, at: datetime) -> None:
    """Schedule a last reading of an expiring post, at a separate age."""
    last = ReadingDue(event.tenant_id, event.subject_id, round((at - post.at) / timedelta(hours=1)))
    outbox.put(scope, last, at=at, dedupe=f"last:{event.subject_id}")


def keep_known_metrics(told: Mapping[str, int]) -> dict[str, int]:
    """Return the supported metrics of a platform's response, shares added up; missing ones are
    absent, never zero."""
    numbers = {metric: told[metric] for metric in POST_METRICS if metric in told}
    passed_on = [told[name] for name in _SHARES if name in told]
    return numbers | ({"shares": sum(passed_on)} if passed_on else {})


def _record_metric(
    scope: Scope, event: ReadingDue, post: LivePost, metric: str, value: int | None
) -> None:
    """Insert a value, or fill in an unavailable one. A measured value is never replaced."""
    scope.run(
        "INSERT INTO metric_snapshots (tenant_id, id, creator_id, delivery_id, channel_id, "
        "metric, age_hours, value,"
        " quality, observed_at) VALUES (:tenant, :id, :creator, :delivery, :channel, :metric, "
        ":age, :value, :quality,"
        " :now) ON CONFLICT (tenant_id, delivery_id, metric, age_hours) DO UPDATE SET value = "
        "EXCLUDED.value,"
        " quality = EXCLUDED.quality, observed_at = EXCLUDED.observed_at, updated_at = house_now()"
        " WHERE metric_snapshots.quality = 'unavailable' AND EXCLUDED.quality = 'measured'",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=post.creator_id,
        delivery=event.subject_id,
        channel=post.channel_id,
        metric=metric,
        age=event.age_hours,
        value=value,
        quality="unavailable" if value is None else "measured",
        now=scope.now,
    )
