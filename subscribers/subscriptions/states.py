"""States of a subscription."""

from enum import StrEnum


class SubscriptionState(StrEnum):
    """A fan's subscription: paid month by month, by their platform."""

    OFFERED = "offered"
    ACTIVE = "active"
    STOPPED = "stopped"  # paid to the end of its month, and not again
    ENDED = "ended"
