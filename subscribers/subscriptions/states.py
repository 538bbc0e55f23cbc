"""States of a subscription."""

from enum import StrEnum


class SubscriptionState(StrEnum):
    """States of a fan's subscription, which the platform charges monthly."""

    OFFERED = "offered"
    ACTIVE = "active"
    STOPPED = "stopped"  # cancelled; paid until the end of its month
    ENDED = "ended"
