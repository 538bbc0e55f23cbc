"""Retention rule of readings. Rollups computed from them are not purged."""

from foundation.db.retention import RetentionRule
from insights.metrics.models import MetricSnapshot
from insights.sharing.models import AnalyticsLink

INSIGHTS_RETENTION = (
    RetentionRule(MetricSnapshot, "o.observed_at"),
    RetentionRule(AnalyticsLink, "o.expires_at"),
)
