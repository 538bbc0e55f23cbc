"""Queries of metrics."""

from collections.abc import Sequence
from uuid import UUID

from foundation.db.database import Scope
from insights.metrics.readings import INTERACTION_METRICS

POST_RESULTS_SQL = """
WITH newest AS (
  SELECT r.delivery_id, max(r.observed_at) AS at
  FROM unnest(CAST(:metrics AS text[])) AS of (metric)
  CROSS JOIN LATERAL (SELECT m.delivery_id, m.observed_at FROM metric_snapshots m
    WHERE m.tenant_id = :tenant AND m.channel_id = :channel AND m.age_hours = :age
      AND m.metric = of.metric AND m.value IS NOT NULL
    ORDER BY m.observed_at DESC LIMIT :most) r
  GROUP BY r.delivery_id ORDER BY at DESC LIMIT :most
)
SELECT n.delivery_id, sum(m.value) AS value
FROM newest n
JOIN metric_snapshots m ON m.tenant_id = :tenant AND m.delivery_id = n.delivery_id
  AND m.metric = ANY(:metrics) AND m.age_hours = :age AND m.value IS NOT NULL
GROUP BY n.delivery_id, n.at ORDER BY n.at DESC
"""


def post_results(scope: Scope, channel_id: UUID, *, age_hours: int, most: int) -> dict[UUID, int]:
    """Return the interactions of an account's newest posts at one age, by delivery; posts without a
    measurement are absent, never zero."""
    rows = scope.run(
        POST_RESULTS_SQL,
        tenant=scope.tenant_id,
        channel=channel_id,
        age=age_hours,
        metrics=list(INTERACTION_METRICS),
        most=most,
    )
    return {row.delivery_id: int(row.value) for row in rows}


def latest_metrics(scope: Scope, deliveries: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the latest value of each metric of these deliveries; metrics without a value are
    absent, never zero."""
    rows = scope.run(
        "SELECT DISTINCT ON (delivery_id, metric) delivery_id, metric, value FROM metric_snapshots"
        " WHERE tenant_id = :tenant AND delivery_id = ANY(CAST(:ids AS uuid[])) AND value IS NOT "
        "NULL"
        " ORDER BY delivery_id, metric, age_hours DESC",
        tenant=scope.tenant_id,
        ids=list(deliveries),
    )
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.delivery_id, {})[row.metric] = row.value
    return found
