"""Incremental rollups of post metrics: only posts whose readings changed are computed again.

A trigger marks a post in the transaction that stores its readings. The result equals a computation
from all readings, in any order of arrival (tested).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import Any
from uuid import UUID

from channels.accounts.queries import list_creator_channels
from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.outbox import outbox
from insights.metrics.catalog import POST_COUNTERS
from insights.metrics.counter_series import CounterReading, CounterSeries, compute_counter_series
from insights.metrics.events import RollupDue
from insights.metrics.readings import INTERACTION_METRICS
from tenants.agencies.queries import get_creator

BATCH = 500
"""Posts per transaction."""

REBUILT_DAYS = 960
"""Days back whose rollups can be built again. Readings are deleted after three years, and are made
for up to 90 days after a post; older rollups are all that is left of them."""

_IS_PENDING = "SELECT EXISTS (SELECT 1 FROM metric_changes WHERE tenant_id = :tenant)"

# Rows that a reading locks at this moment are left for the next time.
_TAKE = """
DELETE FROM metric_changes WHERE tenant_id = :tenant AND id IN (
  SELECT id FROM metric_changes WHERE tenant_id = :tenant
  ORDER BY id LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING creator_id, delivery_id
"""

_WITH_READINGS = """
SELECT DISTINCT delivery_id FROM metric_snapshots
WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:ids AS uuid[]))
"""

_READINGS = """
SELECT delivery_id, metric, creator_id, channel_id, value, age_hours, native_id, observed_at,
  quality = 'typed' AS typed
FROM metric_snapshots WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:ids AS uuid[]))
  AND value IS NOT NULL ORDER BY delivery_id, metric
"""

_OLD_DAYS = """
SELECT id, creator_id, channel_id, delivery_id, metric, day, value, interpolated
FROM post_days WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:ids AS uuid[]))
"""

_DELETE_DAYS = "DELETE FROM post_days WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS uuid[]))"

_KEEP_DAYS = """
INSERT INTO post_days (tenant_id, id, creator_id, channel_id, delivery_id, day, metric, value,
  interpolated)
SELECT :tenant, id, creator_id, channel_id, delivery_id, day, metric, value, interpolated
FROM jsonb_populate_recordset(CAST(NULL AS post_days), CAST(:page AS jsonb))
ON CONFLICT (tenant_id, delivery_id, day, metric) DO UPDATE SET value = EXCLUDED.value,
  interpolated = EXCLUDED.interpolated, updated_at = house_now()
"""

_KEEP_LATEST = """
INSERT INTO post_latest AS l (tenant_id, id, creator_id, channel_id, delivery_id, metric, value,
  before_tracking, earlier_epochs, observed_at)
SELECT :tenant, id, creator_id, channel_id, delivery_id, metric, value, before_tracking,
  earlier_epochs, observed_at
FROM jsonb_populate_recordset(CAST(NULL AS post_latest), CAST(:page AS jsonb))
ON CONFLICT (tenant_id, delivery_id, metric) DO UPDATE SET value = EXCLUDED.value,
  before_tracking = EXCLUDED.before_tracking, earlier_epochs = EXCLUDED.earlier_epochs,
  observed_at = EXCLUDED.observed_at, updated_at = house_now()
WHERE (l.value, l.before_tracking, l.earlier_epochs, l.observed_at) IS DISTINCT FROM
  (EXCLUDED.value, EXCLUDED.before_tracking, EXCLUDED.earlier_epochs, EXCLUDED.observed_at)
"""

_SUM_CHANNELS = """
WITH keys AS (
  SELECT creator_id, channel_id, day, metric
  FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS k (creator_id uuid, channel_id uuid, day date,
    metric text)
), sums AS (
  SELECT k.creator_id, k.channel_id, k.day, k.metric, sum(p.value) AS value,
    bool_or(p.interpolated) AS interpolated
  FROM keys k JOIN post_days p ON p.tenant_id = :tenant AND p.channel_id = k.channel_id
    AND p.day = k.day AND p.metric = k.metric
  GROUP BY k.creator_id, k.channel_id, k.day, k.metric
), gone AS (
  DELETE FROM channel_days c USING keys k WHERE c.tenant_id = :tenant
    AND c.creator_id = k.creator_id AND c.day = k.day AND c.metric = k.metric
    AND c.channel_id = k.channel_id AND NOT EXISTS (SELECT 1 FROM sums s
      WHERE s.channel_id = k.channel_id AND s.day = k.day AND s.metric = k.metric)
)
INSERT INTO channel_days AS c (tenant_id, id, creator_id, channel_id, day, metric, value,
  interpolated)
SELECT :tenant, gen_random_uuid(), creator_id, channel_id, day, metric, value, interpolated
FROM sums ORDER BY creator_id, day, metric, channel_id
ON CONFLICT (tenant_id, creator_id, day, metric, channel_id) DO UPDATE SET
  value = EXCLUDED.value, interpolated = EXCLUDED.interpolated, updated_at = house_now()
WHERE (c.value, c.interpolated) IS DISTINCT FROM (EXCLUDED.value, EXCLUDED.interpolated)
"""

# In the order of the days, as other rollups lock them.
_LOCK_CREATORS = """
SELECT 1 FROM creator_daily WHERE tenant_id = :tenant AND creator_id = :creator
  AND day = ANY(CAST(:days AS date[])) ORDER BY day FOR UPDATE
"""

_SUM_CREATORS = """
WITH keys AS (
  SELECT creator_id, day
  FROM jsonb_to_recordset(CAST(:keys AS jsonb)) AS k (creator_id uuid, day date)
), sums AS (
  SELECT k.creator_id, k.day,
    coalesce(sum(c.value) FILTER (WHERE c.metric = 'views'), 0) AS views,
    coalesce(sum(c.value) FILTER (WHERE c.metric = ANY(CAST(:interactions AS text[]))), 0)
      AS interactions,
    k.day >= :oldest OR count(c.id) > 0 AS is_known
  FROM keys k LEFT JOIN channel_days c ON c.tenant_id = :tenant AND c.creator_id = k.creator_id
    AND c.day = k.day
  GROUP BY k.creator_id, k.day
), changed AS (
  UPDATE creator_daily d SET views = s.views, interactions = s.interactions,
    updated_at = house_now()
  FROM sums s WHERE d.tenant_id = :tenant AND d.creator_id = s.creator_id AND d.day = s.day
    AND s.is_known
    AND (d.views, d.interactions) IS DISTINCT FROM (s.views, s.interactions)
)
SELECT k.creator_id, k.day FROM keys k WHERE NOT EXISTS (SELECT 1 FROM creator_daily d
  WHERE d.tenant_id = :tenant AND d.creator_id = k.creator_id AND d.day = k.day)
ORDER BY k.creator_id, k.day
"""

_KEYS_OF_DAYS = """
SELECT creator_id, channel_id, day, metric FROM post_days
WHERE tenant_id = :tenant AND channel_id = ANY(CAST(:accounts AS uuid[]))
  AND day = ANY(CAST(:days AS date[]))
UNION SELECT creator_id, channel_id, day, metric FROM channel_days
WHERE tenant_id = :tenant AND creator_id = :creator AND day = ANY(CAST(:days AS date[]))
  AND metric = ANY(CAST(:counters AS text[]))
"""

_MARK_CREATOR = """
INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)
SELECT :tenant, gen_random_uuid(), creator_id, delivery_id
FROM post_latest WHERE tenant_id = :tenant AND creator_id = :creator
GROUP BY creator_id, delivery_id HAVING min(observed_at) > :now - interval '32 months'
ORDER BY delivery_id
ON CONFLICT (tenant_id, delivery_id) DO NOTHING
"""


def roll_up_pending_changes(tenant_id: UUID, actor: str, *, tenant: OpenScope, most: int) -> int:
    """Build the rollups of up to `most` posts whose readings changed, in transactions of `BATCH`
    posts. Return the number of posts."""
    done = 0
    while done < most:
        with tenant(tenant_id, actor) as scope:
            count = roll_up_changes(scope)
        done += count
        if count < BATCH:
            break
    return done


def roll_up_changes(scope: Scope) -> int:
    """Build the rollups of up to `BATCH` posts whose readings changed, and return their number.

    One transaction of an agency does this at a time; while another does, return 0. Posts whose
    readings are no longer stored keep their rollups.
    """
    if not scope.run(_IS_PENDING, tenant=scope.tenant_id).scalar_one():
        return 0
    if not scope.try_lock(f"metrics:{scope.tenant_id}"):
        return 0
    changed = scope.run(_TAKE, tenant=scope.tenant_id, most=BATCH).all()
    if not changed:
        return 0
    zones = {
        creator: get_creator(scope, creator).zone for creator in {row.creator_id for row in changed}
    }
    marked = [row.delivery_id for row in changed]
    deliveries = scope.run(_WITH_READINGS, tenant=scope.tenant_id, ids=marked).scalars().all()
    days, latest = _compute_rows(scope, deliveries, zones)
    touched = _replace_post_days(scope, deliveries, days)
    _write_page(scope, _KEEP_LATEST, latest)
    _sum_touched_days(scope, touched)
    return len(changed)


def mark_creator_changed(scope: Scope, creator_id: UUID) -> None:
    """Mark the posts of a creator whose readings are all still stored, for example after a change
    of the time zone."""
    scope.run(_MARK_CREATOR, tenant=scope.tenant_id, creator=creator_id, now=scope.now)


def sum_days(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    """Add up the accounts' counters of these local days of a creator from all their posts."""
    scope.lock(f"metrics:{scope.tenant_id}")
    rows = scope.run(
        _KEYS_OF_DAYS,
        tenant=scope.tenant_id,
        creator=creator_id,
        accounts=[one.id for one in list_creator_channels(scope, creator_id)],
        days=list(days),
        counters=list(POST_COUNTERS),
    )
    _sum_touched_days(
        scope, {(row.creator_id, row.channel_id, row.day, row.metric) for row in rows}
    )
    update_creator_days(scope, creator_id, days)


Row = Mapping[str, Any]
DayKey = tuple[UUID, UUID, date, str]
"""Creator, channel, day and metric."""


def _compute_rows(
    scope: Scope, deliveries: Sequence[UUID], zones: Mapping[UUID, str]
) -> tuple[list[Row], list[Row]]:
    days: list[Row] = []
    latest: list[Row] = []
    rows = scope.run(_READINGS, tenant=scope.tenant_id, ids=deliveries)
    for _, group in groupby(rows, key=lambda row: (row.delivery_id, row.metric)):
        found = list(group)
        about = found[0]
        series = compute_counter_series(map(_reading_of, found), zones[about.creator_id])
        if series is None:
            continue
        whose = {
            "creator_id": about.creator_id,
            "channel_id": about.channel_id,
            "delivery_id": about.delivery_id,
            "metric": about.metric,
        }
        days += _day_rows(whose, series)
        latest.append(
            {
                "id": uuid7(),
                **whose,
                "value": series.latest,
                "before_tracking": series.before_tracking,
                "earlier_epochs": series.earlier_epochs,
                "observed_at": series.observed_at,
            }
        )
    return days, latest


def _reading_of(row: Any) -> CounterReading:
    return CounterReading(row.value, row.observed_at, row.age_hours, row.native_id, row.typed)


def _day_rows(whose: Row, series: CounterSeries) -> Iterable[Row]:
    for day, change in series.days.items():
        yield {
            **whose,
            "day": day,
            "value": change.value,
            "interpolated": change.interpolated,
        }


def _replace_post_days(
    scope: Scope, deliveries: Sequence[UUID], wanted: Sequence[Row]
) -> set[DayKey]:
    """Change the rows that differ, and return the days of accounts whose sums change with them."""
    old = {
        (row.delivery_id, row.metric, row.day): row
        for row in scope.run(_OLD_DAYS, tenant=scope.tenant_id, ids=deliveries)
    }
    touched: set[DayKey] = set()
    changed: list[Row] = []
    for row in wanted:
        before = old.pop((row["delivery_id"], row["metric"], row["day"]), None)
        if before is None or (before.value, before.interpolated, before.channel_id) != (
            row["value"],
            row["interpolated"],
            row["channel_id"],
        ):
            changed.append({"id": uuid7(), **row})
            touched.add((row["creator_id"], row["channel_id"], row["day"], row["metric"]))
    for row in old.values():
        touched.add((row.creator_id, row.channel_id, row.day, row.metric))
    if old:
        scope.run(_DELETE_DAYS, tenant=scope.tenant_id, ids=[row.id for row in old.values()])
    _write_page(scope, _KEEP_DAYS, changed)
    return touched


def _sum_touched_days(scope: Scope, touched: Collection[DayKey]) -> None:
    if not touched:
        return
    names = ("creator_id", "channel_id", "day", "metric")
    keys = [dict(zip(names, key, strict=True)) for key in touched]
    scope.run(_SUM_CHANNELS, tenant=scope.tenant_id, keys=json.dumps(keys, default=str))
    for creator_id, days in _days_by_creator(touched).items():
        update_creator_days(scope, creator_id, days)


def _days_by_creator(touched: Collection[DayKey]) -> Mapping[UUID, set[date]]:
    found: defaultdict[UUID, set[date]] = defaultdict(set)
    for creator_id, _, day, _ in sorted(touched):
        found[creator_id].add(day)
    return found


def update_creator_days(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    """Store the views and interactions of the creator's days as the sums of the accounts. Schedule
    a rollup of the days that have none yet. Days whose sums were deleted keep their values."""
    scope.run(_LOCK_CREATORS, tenant=scope.tenant_id, creator=creator_id, days=list(days))
    keys = [{"creator_id": creator_id, "day": day} for day in sorted(days)]
    missing = scope.run(
        _SUM_CREATORS,
        tenant=scope.tenant_id,
        keys=json.dumps(keys, default=str),
        interactions=list(INTERACTION_METRICS),
        oldest=oldest_rebuilt_day(scope),
    ).all()
    for row in missing:
        # Without a deduplication key: a running rollup may have read the day before this change.
        outbox.put(scope, RollupDue(scope.tenant_id, row.creator_id, row.day))


def oldest_rebuilt_day(scope: Scope) -> date:
    """Return the first day whose rollups can be built again from their rows."""
    return scope.now.date() - timedelta(days=REBUILT_DAYS)


def _write_page(scope: Scope, statement: str, rows: Sequence[Row]) -> None:
    if rows:
        scope.run(statement, tenant=scope.tenant_id, page=json.dumps(rows, default=str))
