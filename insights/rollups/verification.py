"""Nightly verification of rollups: they add up to the ledger and to the readings. Days that do
not are built again, and the agency is notified.

A changed time zone of a creator moves the limits of all days, so the days whose readings are still
stored are built again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from channels.accounts.queries import list_creator_channels
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from insights.metrics.catalog import POST_COUNTERS
from insights.metrics.events import RollupDue
from insights.rollups import metric_rollups
from subscribers.ledger import entries
from tenants.agencies.queries import get_creator
from tenants.notices import notices

VERIFIED_DAYS = 100
"""Days back that are verified: posts are read for 90 days."""

_SETTLING = timedelta(hours=1)
"""Age below which a row may belong to a rollup that is still waiting."""

BEGINS_AT = timedelta(hours=3)
"""Local time after which a night's verification may run."""

_STATUS = "SELECT zone FROM rollup_statuses WHERE tenant_id = :tenant AND creator_id = :creator"

_KEEP_ZONE = """
INSERT INTO rollup_statuses (tenant_id, id, creator_id, zone, verified_on)
VALUES (:tenant, :id, :creator, :zone, :night)
ON CONFLICT (tenant_id, creator_id) DO UPDATE SET zone = EXCLUDED.zone, updated_at = house_now()
"""

_VERIFIED = """
UPDATE rollup_statuses SET verified_on = :day, updated_at = house_now()
WHERE tenant_id = :tenant AND creator_id = :creator
  AND (verified_on IS NULL OR verified_on < :day)
"""

_ALL_DAYS = """
SELECT min(day) AS first, max(day) AS last FROM (
  SELECT day FROM sales_daily WHERE tenant_id = :tenant AND creator_id = :creator
  UNION ALL SELECT day FROM creator_daily WHERE tenant_id = :tenant AND creator_id = :creator) d
"""

_ROLLED_SALES = """
SELECT day, currency, gross_minor, refunds_minor, fees_minor FROM sales_daily
WHERE tenant_id = :tenant AND creator_id = :creator
"""

_WRONG_SUMS = """
WITH summed AS (
  SELECT channel_id, day, metric, sum(value) AS value FROM post_days
  WHERE tenant_id = :tenant AND channel_id = ANY(CAST(:accounts AS uuid[]))
    AND day BETWEEN :first AND :today GROUP BY 1, 2, 3
), channels_by_day AS (
  SELECT channel_id, day, metric, value FROM channel_days WHERE tenant_id = :tenant
    AND creator_id = :creator AND day BETWEEN :first AND :today
    AND metric = ANY(CAST(:counters AS text[]))
), creators_by_day AS (
  SELECT day, sum(value) FILTER (WHERE metric = 'views') AS views FROM channels_by_day GROUP BY day
)
SELECT DISTINCT day FROM summed FULL JOIN channels_by_day USING (channel_id, day, metric)
WHERE coalesce(summed.value, 0) <> coalesce(channels_by_day.value, 0)
UNION SELECT d.day FROM creator_daily d LEFT JOIN creators_by_day s ON s.day = d.day
WHERE d.tenant_id = :tenant AND d.creator_id = :creator AND d.day BETWEEN :first AND :today
  AND d.views <> coalesce(s.views, 0)
ORDER BY day
"""

# Readings that wait for their rollup are left out.
_WRONG_POSTS = """
SELECT l.delivery_id FROM post_latest l
JOIN LATERAL (SELECT s.value FROM metric_snapshots s WHERE s.tenant_id = l.tenant_id
  AND s.delivery_id = l.delivery_id AND s.metric = l.metric AND s.value IS NOT NULL
  ORDER BY s.observed_at DESC, s.age_hours DESC, s.value DESC LIMIT 1) newest ON true
CROSS JOIN LATERAL (SELECT coalesce(sum(d.value), 0) AS value FROM post_days d
  WHERE d.tenant_id = l.tenant_id AND d.delivery_id = l.delivery_id AND d.metric = l.metric) days
WHERE l.tenant_id = :tenant AND l.creator_id = :creator AND l.observed_at >= :since
  AND NOT EXISTS (SELECT 1 FROM metric_changes m WHERE m.tenant_id = l.tenant_id
    AND m.delivery_id = l.delivery_id)
  AND (newest.value <> l.value OR days.value <> l.value + l.earlier_epochs - l.before_tracking)
GROUP BY l.delivery_id
"""

_MARK = """
INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)
SELECT :tenant, gen_random_uuid(), :creator, id FROM unnest(CAST(:ids AS uuid[])) AS id ORDER BY id
ON CONFLICT (tenant_id, delivery_id) DO NOTHING
"""


@dataclass(frozen=True)
class RollupErrors:
    """Local days whose sales do not equal the ledger, days whose accounts do not add up, and posts
    whose days do not add up to their readings."""

    sales_days: tuple[date, ...] = ()
    sum_days: tuple[date, ...] = ()
    posts: tuple[UUID, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of days and posts."""
        return len({*self.sales_days, *self.sum_days}) + len(self.posts)


def apply_time_zone(scope: Scope, creator_id: UUID) -> bool:
    """Build the last `REBUILT_DAYS` days of a creator again if the time zone has changed. Return
    True in that case."""
    zone = get_creator(scope, creator_id).zone
    status = scope.run(_STATUS, tenant=scope.tenant_id, creator=creator_id).one_or_none()
    if status is not None and status.zone == zone:
        return False
    scope.run(
        _KEEP_ZONE,
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=creator_id,
        zone=zone,
        night=local_day(scope.now - BEGINS_AT, zone),
    )
    if status is None:
        return False
    metric_rollups.mark_creator_changed(scope, creator_id)
    span = scope.run(_ALL_DAYS, tenant=scope.tenant_id, creator=creator_id).one()
    if span.first is not None:
        first = max(span.first - timedelta(days=1), metric_rollups.oldest_rebuilt_day(scope))
        last = span.last + timedelta(days=1)
        _schedule_rebuild(
            scope,
            creator_id,
            [first + timedelta(days=number) for number in range((last - first).days + 1)],
        )
    return True


def verify_daily(scope: Scope, creator_id: UUID) -> RollupErrors | None:
    """Verify the rollups of a creator once per local night, correct errors and notify the agency
    of them. Return None if it was done already."""
    night = local_day(scope.now - BEGINS_AT, get_creator(scope, creator_id).zone)
    begun = scope.run(_VERIFIED, tenant=scope.tenant_id, creator=creator_id, day=night)
    if begun.rowcount == 0:
        return None
    errors = find_errors(scope, creator_id)
    if errors.count:
        _mark_posts(scope, creator_id, errors.posts)
        if errors.sum_days:
            metric_rollups.sum_days(scope, creator_id, errors.sum_days)
        _schedule_rebuild(scope, creator_id, sorted({*errors.sales_days, *errors.sum_days}))
        notices.put(
            scope,
            Message("rollup.corrected", {"count": errors.count}),
            cause=f"rollup:{creator_id}:{night}",
            creator_id=creator_id,
            informs=True,
        )
    return errors


def find_errors(scope: Scope, creator_id: UUID, *, within: int = VERIFIED_DAYS) -> RollupErrors:
    """Compare the rollups of a creator with the whole ledger and with the readings of the last
    `within` days. Sales of today and rows that are still being counted are left out."""
    zone = get_creator(scope, creator_id).zone
    today = local_day(scope.now, zone)
    about = {"tenant": scope.tenant_id, "creator": creator_id}
    sums = scope.run(
        _WRONG_SUMS,
        **about,
        first=today - timedelta(days=within),
        today=today,
        accounts=[one.id for one in list_creator_channels(scope, creator_id)],
        counters=list(POST_COUNTERS),
    ).scalars()
    posts = scope.run(_WRONG_POSTS, **about, since=scope.now - timedelta(days=within)).scalars()
    sales = _find_wrong_sales(scope, creator_id, zone, today)
    return RollupErrors(tuple(sales), tuple(sums.all()), tuple(posts.all()))


def _find_wrong_sales(scope: Scope, creator_id: UUID, zone: str, today: date) -> list[date]:
    """Return the days before today whose sales differ from the ledger."""
    booked = entries.daily_totals(
        scope, creator_id, zone=zone, settled_before=scope.now - _SETTLING
    )
    rolled = {
        (row.day, row.currency): (row.gross_minor, row.refunds_minor, row.fees_minor)
        for row in scope.run(_ROLLED_SALES, tenant=scope.tenant_id, creator=creator_id)
    }
    none = (0, 0, 0)
    wrong = {
        key[0]
        for key in booked.totals.keys() | rolled.keys()
        if booked.totals.get(key, none) != rolled.get(key, none)
    }
    return sorted(day for day in wrong - booked.unsettled if day < today)


def _mark_posts(scope: Scope, creator_id: UUID, deliveries: Collection[UUID]) -> None:
    if deliveries:
        scope.run(_MARK, tenant=scope.tenant_id, creator=creator_id, ids=list(deliveries))


def _schedule_rebuild(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    for day in days:
        # Without a deduplication key: a running rollup may have read the day as it was.
        outbox.put(scope, RollupDue(scope.tenant_id, creator_id, day))
