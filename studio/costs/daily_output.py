"""Output and costs of generation by local day, from the same rows as the cost report."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from foundation.db.database import Scope
from studio.costs.states import PurchaseState, TextRequestState
from studio.runs.states import JobState


@dataclass
class DailyOutput:
    """Generation of a local day: results of runs, failed runs, engine time in seconds, and costs in
    minor units by currency, with four decimals."""

    generated: int = 0
    failed: int = 0
    seconds: float = 0.0
    costs: dict[str, Decimal] = field(default_factory=dict)


_MADE = """
SELECT CAST(at AT TIME ZONE :zone AS date) AS day, count(*) AS count, sum(seconds) AS seconds FROM (
  SELECT created_at AS at, coalesce(seconds, 0) AS seconds FROM creations
  WHERE tenant_id = :tenant AND creator_id = :creator AND job_id IS NOT NULL
    AND created_at >= :since AND created_at < :until
  UNION ALL SELECT made_at, coalesce(seconds, 0) FROM erased_pictures
  WHERE tenant_id = :tenant AND creator_id = :creator AND job_id IS NOT NULL
    AND made_at >= :since AND made_at < :until) made
GROUP BY 1
"""

_FAILED = """
SELECT CAST(created_at AT TIME ZONE :zone AS date) AS day, count(*) AS count FROM jobs
WHERE tenant_id = :tenant AND creator_id = :creator AND state = :failed
  AND created_at >= :since AND created_at < :until
GROUP BY 1
"""

_COSTS = """
SELECT CAST(created_at AT TIME ZONE :zone AS date) AS day, currency, sum(minor) AS minor FROM (
  SELECT created_at, currency, minor FROM engine_orders
  WHERE tenant_id = :tenant AND creator_id = :creator AND state <> :released
    AND created_at >= :since AND created_at < :until
  UNION ALL SELECT created_at, currency, minor FROM text_requests
  WHERE tenant_id = :tenant AND creator_id = :creator AND state <> :unheard AND minor IS NOT NULL
    AND created_at >= :since AND created_at < :until) spent
GROUP BY 1, 2
"""


def output_by_day(
    scope: Scope, creator_id: UUID, since: datetime, until: datetime, *, zone: str
) -> Mapping[date, DailyOutput]:
    """Return the generation output and costs of a creator in [since, until) by local day in the
    IANA time zone `zone`. Days without any are absent."""
    period = {
        "tenant": scope.tenant_id,
        "creator": creator_id,
        "since": since,
        "until": until,
        "zone": zone,
    }
    found: dict[date, DailyOutput] = {}
    for row in scope.run(_MADE, **period):
        day = found.setdefault(row.day, DailyOutput())
        day.generated = row.count
        day.seconds = float(row.seconds)
    for row in scope.run(_FAILED, **period, failed=str(JobState.FAILED)):
        found.setdefault(row.day, DailyOutput()).failed = row.count
    states = {"released": str(PurchaseState.RELEASED), "unheard": str(TextRequestState.UNHEARD)}
    for row in scope.run(_COSTS, **period, **states):
        found.setdefault(row.day, DailyOutput()).costs[row.currency] = row.minor
    return found
