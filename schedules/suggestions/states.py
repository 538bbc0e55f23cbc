"""States of a line of a weekly plan and of an alt text."""

from enum import StrEnum


class WeekLineState(StrEnum):
    """What became of one post of a proposed week."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    DROPPED = "dropped"


class AltTextState(StrEnum):
    """What became of words that a model was asked for, for a picture."""

    WAITING = "waiting"
    OFFERED = "offered"
    TAKEN = "taken"
    REFUSED = "refused"
    LACKING = "lacking"  # it wrote none that may be offered, or was not asked
