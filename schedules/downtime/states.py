"""States of the decision on the posts that a downtime missed."""

from enum import StrEnum


class DowntimeState(StrEnum):
    """What was said to how missed posts leave."""

    OPEN = "open"
    KEPT = "kept"
    STOPPED = "stopped"  # somebody held all that had not left
    OVER = "over"  # nobody said anything, and nothing of it waits for its turn any more
