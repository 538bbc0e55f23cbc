"""Numbers of refunds of each creator."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope

USUAL_DAYS = 28
"""Days before the counted ones from which the usual number is computed."""

_REFUNDS = """
SELECT creator_id, count(*) FILTER (WHERE done_at > :since) AS recent,
  count(*) FILTER (WHERE done_at <= :since) AS earlier,
  min(done_at) FILTER (WHERE done_at > :since) AS first_at
FROM refunds WHERE tenant_id = :tenant AND state = 'done' AND done_at > :earliest
GROUP BY creator_id
"""


@dataclass(frozen=True)
class RefundCount:
    """The refunds of a creator in a period, the time of the first (UTC-aware), and the average
    number in a period of that length in the `USUAL_DAYS` before it."""

    creator_id: UUID
    refunds: int
    since: datetime
    usual: float


def list_refund_counts(scope: Scope, period: timedelta) -> list[RefundCount]:
    """Return the creators with refunds in the period up to now."""
    since = scope.now - period
    usual = timedelta(days=USUAL_DAYS)
    rows = scope.run(_REFUNDS, tenant=scope.tenant_id, since=since, earliest=since - usual)
    return [
        RefundCount(row.creator_id, row.recent, row.first_at, row.earlier * (period / usual))
        for row in rows
        if row.recent
    ]
