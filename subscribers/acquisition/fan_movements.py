"""Movements of the ledger by fans who came through an acquisition link."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope


@dataclass(frozen=True)
class FanMovement:
    """The change of the net amount by a fan's sale, refund or fee at one time, in minor units.

    `sale` identifies the sale that is paid, refunded or charged with a fee: its movements share it.
    `subscription` is the subscription that the sale renews or begins, if any. `at` is UTC-aware.
    """

    sale: str
    fan_id: UUID
    creator_id: UUID
    at: datetime
    currency: str
    net_minor: int
    is_sale: bool
    subscription: UUID | None = None


_MOVEMENTS = """
WITH touched AS (
    SELECT DISTINCT fan_id FROM acquisition_touches WHERE tenant_id = :tenant
    AND creator_id = ANY(:creators)
  ),
  sold AS (
    SELECT t.source_key, (array_agg(t.fan_id))[1] AS fan_id
    FROM touched f JOIN ledger_transactions t ON t.tenant_id = :tenant AND t.fan_id = f.fan_id
    WHERE t.kind IN ('sale', 'refund', 'fee') AND t.creator_id = ANY(:creators)
    GROUP BY t.source_key
  ),
  moved AS (
    SELECT s.source_key, s.fan_id, t.creator_id, t.occurred_at, e.currency,
      sum(-e.amount_minor) AS net, bool_or(e.account = 'sales') AS is_sale,
      CASE WHEN s.source_key ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
        THEN CAST(s.source_key AS uuid) END AS payment_id
    FROM sold s JOIN ledger_transactions t ON t.tenant_id = :tenant
      AND t.source_kind IN ('payment', 'settled', 'refund', 'statement_fee')
      AND t.source_key = s.source_key AND t.kind IN ('sale', 'refund', 'fee')
    JOIN ledger_entries e ON e.tenant_id = :tenant AND e.transaction_id = t.id
      AND e.account IN ('sales', 'refunds', 'platform_fee')
    GROUP BY s.source_key, s.fan_id, t.creator_id, t.occurred_at, e.currency
  )
SELECT coalesce(v.fan_id || ':' || l.creator_id || ':' || l.paid_for, v.source_key) AS sale,
  v.fan_id, v.creator_id, v.occurred_at, v.currency, v.net, v.is_sale, m.subscription_id
FROM moved v LEFT JOIN subscription_months m ON m.tenant_id = :tenant
  AND m.payment_id = v.payment_id
LEFT JOIN LATERAL (SELECT s.creator_id, s.paid_for FROM statement_lines s
  WHERE s.tenant_id = :tenant AND s.ledger_key = v.source_key AND s.paid_for <> ''
  ORDER BY s.id LIMIT 1) l ON true
ORDER BY v.occurred_at, sale, v.currency
"""
"""Sales are credits of the ledger, refunds and fees debits; the net amount of a sale is the negated
sum of these entries. A fee names its sale and often no fan. Each line of a
statement has a key of its own; those of one sale name the same message or post."""


def list_fan_movements(scope: Scope, creators: Sequence[UUID]) -> list[FanMovement]:
    """Return all movements of these creators' fans who have a touch, earliest first."""
    rows = scope.run(_MOVEMENTS, tenant=scope.tenant_id, creators=list(creators))
    return [
        FanMovement(
            row.sale,
            row.fan_id,
            row.creator_id,
            row.occurred_at,
            row.currency,
            int(row.net),
            bool(row.is_sale),
            row.subscription_id,
        )
        for row in rows
    ]
