"""How long the room's rows are kept; what was counted out of them stays."""

from foundation.db.retention import RetentionRule
from insights.metrics.models import MetricSnapshot

INSIGHTS_RETENTION = (RetentionRule(MetricSnapshot, "o.observed_at"),)
