"""Retention rule of alerts. Open ones are kept."""

from foundation.db.retention import RetentionRule
from insights.alerts.models import AlertRow

ALERTS_RETENTION = (RetentionRule(AlertRow, "o.resolved_at"),)
