"""Nightly verification of rollups: they add up to the ledger and to the readings. Days that do
not are built again, and the agency is notified.

A changed time zone of a creator moves the limits of all days, so everything is built again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from insights.metrics.catalog import POST_COUNTERS
from insights.metrics.events import RollupDue
from insights.rollups import metric_rollups
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

_WRONG_SALES = """
WITH booked AS (
  SELECT CAST(t.occurred_at AT TIME ZONE :zone AS date) AS day, e.currency,
    coalesce(-sum(e.amount_minor) FILTER (WHERE e.account = 'sales'), 0) AS gross,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'refunds'), 0) AS refunds,
    coalesce(sum(e.amount_minor) FILTER (WHERE e.account = 'platform_fee'), 0) AS fees,
    max(t.created_at) AS newest
  FROM ledger_transactions t JOIN ledger_entries e ON e.tenant_id = t.tenant_id
    AND e.transaction_id = t.id
  WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND e.account IN ('sales', 'refunds',
    'platform_fee') AND t.kind IN ('sale', 'split', 'commission', 'refund', 'fee')
  GROUP BY 1, 2
), rolled AS (
  SELECT day, currency, gross_minor, refunds_minor, fees_minor FROM sales_daily
  WHERE tenant_id = :tenant AND creator_id = :creator
)
SELECT DISTINCT day FROM booked FULL JOIN rolled USING (day, currency)
WHERE (coalesce(gross, 0), coalesce(refunds, 0), coalesce(fees, 0)) IS DISTINCT FROM
    (coalesce(gross_minor, 0), coalesce(refunds_minor, 0), coalesce(fees_minor, 0))
  AND day < :today AND coalesce(newest < :settled, true)
ORDER BY day
"""

_WRONG_SUMS = """
WITH posts AS (
  SELECT p.channel_id, p.day, p.metric, sum(p.value) AS value FROM post_days p
  JOIN channels c ON c.tenant_id = p.tenant_id AND c.id = p.channel_id AND c.creator_id = :creator
  WHERE p.tenant_id = :tenant AND p.day BETWEEN :first AND :today GROUP BY 1, 2, 3
), channels_by_day AS (
  SELECT channel_id, day, metric, value FROM channel_days WHERE tenant_id = :tenant
    AND creator_id = :creator AND day BETWEEN :first AND :today
    AND metric = ANY(CAST(:counters AS text[]))
), creators_by_day AS (
  SELECT day, sum(value) FILTER (WHERE metric = 'views') AS views FROM channels_by_day GROUP BY day
)
SELECT DISTINCT day FROM posts FULL JOIN channels_by_day USING (channel_id, day, metric)
WHERE coalesce(posts.value, 0) <> coalesce(channels_by_day.value, 0)
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
    """Build all days of a creator again if the time zone has changed. Return True in that case."""
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
        first, last = span.first - timedelta(days=1), span.last + timedelta(days=1)
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
    sales = scope.run(
        _WRONG_SALES, **about, zone=zone, today=today, settled=scope.now - _SETTLING
    ).scalars()
    sums = scope.run(
        _WRONG_SUMS,
        **about,
        first=today - timedelta(days=within),
        today=today,
        counters=list(POST_COUNTERS),
    ).scalars()
    posts = scope.run(_WRONG_POSTS, **about, since=scope.now - timedelta(days=within)).scalars()
    return RollupErrors(tuple(sales.all()), tuple(sums.all()), tuple(posts.all()))


def _mark_posts(scope: Scope, creator_id: UUID, deliveries: Collection[UUID]) -> None:
    if deliveries:
        scope.run(_MARK, tenant=scope.tenant_id, creator=creator_id, ids=list(deliveries))


def _schedule_rebuild(scope: Scope, creator_id: UUID, days: Collection[date]) -> None:
    for day in days:
        due = RollupDue(scope.tenant_id, creator_id, day)
        outbox.put(scope, due, dedupe=f"rollup:{creator_id}:{day}")
