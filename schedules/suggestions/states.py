"""States of a post in a weekly plan and of an alt text proposal."""

from enum import StrEnum


class WeekLineState(StrEnum):
    """The state of a post in a proposed week."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DROPPED = "dropped"


class AltTextState(StrEnum):
    """The state of an alt text proposal."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    REFUSED = "refused"
    LACKING = "lacking"  # no acceptable text was written, or no model was available
