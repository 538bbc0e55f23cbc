"""States of the decision on a downtime."""

from enum import StrEnum


class DowntimeState(StrEnum):
    """The decision on the missed posts of a downtime."""

    OPEN = "open"
    KEPT = "kept"
    STOPPED = "stopped"  # a member has put the waiting posts on hold
    OVER = "over"  # undecided, and no post waits any more
