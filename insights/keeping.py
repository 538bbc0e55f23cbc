"""How long the room's rows are kept; what was counted out of them stays."""

from foundation.keeping import Rule
from insights.models import MetricSnapshot

RULES = (Rule(MetricSnapshot, "o.observed_at"),)
