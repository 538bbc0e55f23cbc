"""Retention rule of readings. Rollups computed from them are not purged."""

from foundation.db.retention import RetentionRule
from insights.metrics.models import MetricSnapshot

INSIGHTS_RETENTION = (RetentionRule(MetricSnapshot, "o.observed_at"),)
