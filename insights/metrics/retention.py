"""Retention rules of readings and stored reports. Rollups computed from readings are not purged."""

from foundation.db.retention import RetentionRule
from insights.metrics.models import MetricSnapshot
from insights.reports.models import ReportDeliveryRow, ReportRunRow
from insights.sharing.models import AnalyticsLink

INSIGHTS_RETENTION = (
    RetentionRule(MetricSnapshot, "o.observed_at"),
    RetentionRule(AnalyticsLink, "o.expires_at"),
    RetentionRule(ReportDeliveryRow, "o.created_at"),
    RetentionRule(
        ReportRunRow,
        "o.made_at",
        unless="EXISTS (SELECT FROM report_deliveries d WHERE d.tenant_id = o.tenant_id"
        " AND d.run_id = o.id)",
    ),
)
