"""Readings of post metrics: at equal ages, so that posts can be compared, then daily.

A post is read after 1, 3, 12 and 24 hours and 7 days, and daily up to 90 days. If two readings in a
row are equal, the next one follows after a week; once it differs, readings are daily again. The
readings after 3 and 12 hours and the daily ones are left out without a budget.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from channels.limits import reading_budget
from connectors.contract.post_presence import MissingPost
from foundation.db.database import OpenScope, Scope
from foundation.outbox import outbox
from insights.metrics import deletion_checks
from insights.metrics.catalog import POST_COUNTERS
from insights.metrics.deletion_checks import CheckStillLive
from insights.metrics.events import LAST_READING_AGE, READING_AGES, REQUIRED_AGES, ReadingDue
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePost

INTERACTION_METRICS = ("likes", "comments", "shares", "saves")
"""Metrics counted as interactions. Sends count too, but no platform reports them."""

MAX_READING_DRIFT = 0.25
"""Maximum delay of a reading, as a share of its age, at which it is still comparable."""

POST_METRICS = ("views", "likes", "comments", "shares", "saves", "clicks")
"""Metrics that are stored as unavailable if a platform does not report them. Other metrics of the
catalogue are stored only when reported."""

_SHARES = ("shares", "reposts", "quotes")
"""Names of platforms for shares; their values are added up."""

COLLECTING = "system:collecting"

HOUR = timedelta(hours=1)
DAY_HOURS = 24
WEEK_HOURS = 7 * DAY_HOURS

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

    A reading that is too late for the age of a comparison is skipped, because it would have another
    age. A post that seems to be missing is checked again; one that has expired is not.
    """
    with tenant(event.tenant_id, COLLECTING) as scope:
        post = live_posts.find_live_post(scope, event.subject_id)
        if post is None:
            return  # removed posts leave the averages, but their history remains
        if post.ends is not None and event.age_hours == READING_AGES[0]:
            _schedule_final_reading(scope, event, post, post.ends - LAST)
        if post.has_expired(scope.now):
            return
        age = _age_of_reading(event, post, scope.now)
        wanted = age is not None and (
            not _is_extra(event.age_hours)
            or reading_budget.has_reading_budget(scope, post.channel_id)
        )
    told = read(event.tenant_id, post.channel_id, post.native_id) if wanted else None
    seen = (
        still(event.tenant_id, post.channel_id, post.native_id, told is not None)
        if wanted
        else None
    )
    with tenant(event.tenant_id, COLLECTING) as scope:
        if wanted or age is None:
            _record_metrics(scope, event, post, age, keep_known_metrics(told or {}))
        if isinstance(seen, MissingPost) and not post.has_expired(scope.now):
            deletion_checks.schedule_deletion_recheck(scope, event.subject_id)
        _schedule_next_reading(scope, event, post)


def _is_extra(age_hours: int) -> bool:
    """Return True for a reading that is left out without a budget. The last reading of an expiring
    post has another age and is not."""
    return age_hours not in REQUIRED_AGES and (
        age_hours in READING_AGES or age_hours % DAY_HOURS == 0
    )


def _age_of_reading(event: ReadingDue, post: LivePost, now: datetime) -> int | None:
    """Return the age in hours under which a reading is stored, or None if it is too late. A late
    daily reading is stored under the full days of the post's age."""
    if event.age_hours in READING_AGES:
        in_time = now <= post.at + event.age_hours * HOUR * (1 + MAX_READING_DRIFT)
        return event.age_hours if in_time else None
    if event.age_hours % DAY_HOURS:
        return event.age_hours
    return max((now - post.at) // HOUR // DAY_HOURS * DAY_HOURS, event.age_hours)


def _schedule_next_reading(scope: Scope, event: ReadingDue, post: LivePost) -> None:
    """Schedule the next daily or weekly reading after one at 24 hours or later."""
    if event.age_hours < DAY_HOURS:
        return
    recent = _recent_values(scope, event.subject_id)
    if not recent:
        return  # the platform reports no metrics of this post
    age = max(event.age_hours, (scope.now - post.at) // HOUR)
    following = next_reading_age(age, is_still=len(recent) > 1 and recent[0] == recent[1])
    if following is None:
        return
    at = post.at + following * HOUR
    if post.ends is None or at < post.ends:
        due = ReadingDue(event.tenant_id, event.subject_id, following)
        outbox.put(scope, due, at=at, dedupe=f"reading:{event.subject_id}:{following}")


def next_reading_age(age: int, *, is_still: bool) -> int | None:
    """Return the age in hours of the reading after one at `age`, or None after the last one.

    Posts whose last two readings were equal are read weekly, others daily. The reading after 7 days
    follows the publication, so the days up to it end there.
    """
    following = age // DAY_HOURS * DAY_HOURS + (WEEK_HOURS if is_still else DAY_HOURS)
    if age < WEEK_HOURS <= following or following > LAST_READING_AGE:
        return None
    return following


def _recent_values(scope: Scope, delivery_id: UUID) -> list[dict[str, int]]:
    """Return the values of the latest two readings, newest first."""
    rows = scope.run(
        "SELECT jsonb_object_agg(metric, value) AS told FROM metric_snapshots"
        " WHERE tenant_id = :tenant AND delivery_id = :delivery AND value IS NOT NULL"
        " GROUP BY age_hours ORDER BY age_hours DESC LIMIT 2",
        tenant=scope.tenant_id,
        delivery=delivery_id,
    )
    return [row.told for row in rows]


def _schedule_final_reading(scope: Scope, event: ReadingDue, post: LivePost, at: datetime) -> None:
    """Schedule a last reading of an expiring post, at a separate age."""
    last = ReadingDue(event.tenant_id, event.subject_id, round((at - post.at) / timedelta(hours=1)))
    outbox.put(scope, last, at=at, dedupe=f"last:{event.subject_id}")


def keep_known_metrics(told: Mapping[str, int]) -> dict[str, int]:
    """Return the supported metrics of a platform's response, shares added up; missing ones are
    absent, never zero."""
    numbers = {metric: told[metric] for metric in POST_COUNTERS if metric in told}
    passed_on = [told[name] for name in _SHARES if name in told]
    return numbers | ({"shares": sum(passed_on)} if passed_on else {})


_RECORD = """
INSERT INTO metric_snapshots (tenant_id, id, creator_id, delivery_id, channel_id, metric, age_hours,
  value, quality, observed_at, native_id)
SELECT :tenant, gen_random_uuid(), :creator, :delivery, :channel, metric, :age, value,
  CASE WHEN value IS NULL THEN 'unavailable' ELSE 'measured' END, :now, :native
FROM jsonb_to_recordset(CAST(:values AS jsonb)) AS v (metric text, value bigint)
ON CONFLICT (tenant_id, delivery_id, metric, age_hours) DO UPDATE SET value = EXCLUDED.value,
  quality = EXCLUDED.quality, observed_at = EXCLUDED.observed_at, native_id = EXCLUDED.native_id,
  updated_at = house_now()
WHERE metric_snapshots.quality = 'unavailable' AND EXCLUDED.quality = 'measured'
"""
"""Insert values, or fill in unavailable ones. A measured value is never replaced."""


def _record_metrics(
    scope: Scope,
    event: ReadingDue,
    post: LivePost,
    age: int | None,
    numbers: Mapping[str, int],
) -> None:
    found: dict[str, int | None] = dict(numbers)
    if event.age_hours in READING_AGES:
        found = {**dict.fromkeys(POST_METRICS), **numbers}
    scope.run(
        _RECORD,
        tenant=scope.tenant_id,
        creator=post.creator_id,
        delivery=event.subject_id,
        channel=post.channel_id,
        age=event.age_hours if age is None else age,
        values=json.dumps([{"metric": name, "value": value} for name, value in found.items()]),
        native=post.native_id,
        now=scope.now,
    )
