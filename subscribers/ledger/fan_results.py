"""Sales of single fans within a time after an event, read from the ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope

BEFORE = timedelta(days=90)
"""Time before the event whose sales are returned for comparison."""

CAP_QUANTILE = 0.99
"""Quantile of earlier spending at which the spending of a fan is capped."""


@dataclass(frozen=True)
class FanResult:
    """Sales and refunds of a fan within the window, the net amount in minor units (gross less
    refunds and fees), and that of the 90 days before."""

    sales: int
    refunds: int
    net_minor: int
    before_minor: int


_RESULTS = """
SELECT w.fan_id,
  count(*) FILTER (WHERE e.account = 'sales' AND t.occurred_at >= w.since) AS sales,
  count(*) FILTER (WHERE e.account = 'refunds' AND t.occurred_at >= w.since) AS refunds,
  coalesce(-sum(e.amount_minor) FILTER (WHERE t.occurred_at >= w.since
    AND (:currency = '' OR e.currency = :currency)), 0) AS net,
  coalesce(-sum(e.amount_minor) FILTER (WHERE t.occurred_at < w.since
    AND (:currency = '' OR e.currency = :currency)), 0) AS before
FROM unnest(CAST(:fans AS uuid[]), CAST(:since AS timestamptz[])) AS w (fan_id, since)
JOIN ledger_transactions t ON t.tenant_id = :tenant AND t.fan_id = w.fan_id
  AND t.occurred_at >= w.since - CAST(:before AS interval)
  AND t.occurred_at < w.since + CAST(:window AS interval)
  AND t.creator_id = :creator AND t.kind IN ('sale', 'refund', 'fee')
JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id
  AND e.account IN ('sales', 'refunds', 'platform_fee')
GROUP BY w.fan_id
"""


def load_fan_results(
    scope: Scope,
    creator_id: UUID,
    since: Sequence[tuple[UUID, datetime]],
    *,
    window: timedelta,
    currency: str = "",
) -> Mapping[UUID, FanResult]:
    """Return the results of fans within `window` of a time for each; fans without sales are absent.

    Amounts are of one currency; without a `currency` only the counts are meaningful.
    """
    rows = scope.run(
        _RESULTS,
        tenant=scope.tenant_id,
        creator=creator_id,
        fans=[fan for fan, _ in since],
        since=[at for _, at in since],
        before=BEFORE,
        window=window,
        currency=currency,
    )
    return {
        row.fan_id: FanResult(row.sales, row.refunds, int(row.net), int(row.before)) for row in rows
    }


def typical_spender_cap(scope: Scope, creator_id: UUID, currency: str, *, days: int) -> int | None:
    """Return the 99th percentile of what a creator's buyers spent in the last `days` days, in minor
    units, or None without sales."""
    found = scope.run(
        "SELECT percentile_disc(:share) WITHIN GROUP (ORDER BY spent) FROM ("
        " SELECT -sum(e.amount_minor) AS spent FROM ledger_transactions t"
        " JOIN ledger_entries e ON e.tenant_id = t.tenant_id AND e.transaction_id = t.id"
        "  AND e.account IN ('sales', 'refunds', 'platform_fee') AND e.currency = :currency"
        " WHERE t.tenant_id = :tenant AND t.creator_id = :creator AND t.fan_id IS NOT NULL"
        "  AND t.kind IN ('sale', 'refund', 'fee') AND t.occurred_at >= :since"
        " GROUP BY t.fan_id HAVING -sum(e.amount_minor) > 0) AS spenders",
        share=CAP_QUANTILE,
        tenant=scope.tenant_id,
        creator=creator_id,
        currency=currency,
        since=scope.now - timedelta(days=days),
    ).scalar()
    return int(found) if found is not None else None
