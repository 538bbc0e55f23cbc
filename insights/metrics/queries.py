"""Queries of metrics."""

from collections.abc import Sequence
from uuid import UUID

from foundation.db.database import Scope
from insights.metrics.readings import INTERACTION_METRICS


def post_results(scope: Scope, channel_id: UUID, *, age_hours: int, most: int) -> dict[UUID, int]:
    """Return the interactions of an account's newest posts at one age, by delivery; posts without a
    measurement are absent, never zero."""
    rows = scope.run(
        "SELECT delivery_id, sum(value) AS value FROM metric_snapshots WHERE tenant_id = :tenant"
        " AND channel_id = :channel AND age_hours = :age AND metric = ANY(:metrics) AND value IS "
        "NOT NULL"
        " GROUP BY delivery_id ORDER BY max(observed_at) DESC LIMIT :most",
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
