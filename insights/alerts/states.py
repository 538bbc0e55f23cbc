"""Kinds of alert rules, and how members are notified of their alerts."""

from enum import StrEnum


class AlertKind(StrEnum):
    """Checks of rules. The first two check a daily metric, the others the present state."""

    ANOMALY = "anomaly"
    THRESHOLD = "threshold"
    FAILED_POSTS = "failed_posts"
    EXPIRING_ACCESS = "expiring_access"
    WAITING_CHATS = "waiting_chats"
    REFUND_BURST = "refund_burst"
    NEGATIVE_COMMENTS = "negative_comments"
    AGEING_APPROVALS = "ageing_approvals"
    COST_BUDGET = "cost_budget"
    STALE_DATA = "stale_data"


METRIC_KINDS = frozenset({AlertKind.ANOMALY, AlertKind.THRESHOLD})
"""Kinds that check a daily metric. Stale data suspends them."""

AGENCY_KINDS = frozenset({AlertKind.COST_BUDGET})
"""Kinds that concern the agency, not a creator."""


class AlertDirection(StrEnum):
    """The side of the expected value, or of the threshold, on which a metric raises an alert."""

    BELOW = "below"
    ABOVE = "above"


class AlertRoute(StrEnum):
    """Notification of members: at once, in the daily digest, or only in the list of alerts."""

    NOW = "now"
    DIGEST = "digest"
    LIST = "list"


class AlertEnd(StrEnum):
    """Why an alert was closed: its cause has ended, or its rule was turned off or deleted."""

    OVER = "over"
    RULE_OFF = "rule_off"
