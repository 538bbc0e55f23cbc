"""States of a line of a weekly plan and of an alt text."""

from enum import StrEnum


class WeekLineState(StrEnum):
    """What became of one post of a proposed week."""

    PROPOSED, ACCEPTED, DROPPED = "proposed", "accepted", "dropped"


class AltTextState(StrEnum):
    """What became of words that a model was asked for, for a picture."""

    WAITING, OFFERED, TAKEN, REFUSED = "waiting", "offered", "taken", "refused"
    LACKING = "lacking"  # it wrote none that may be offered, or was not asked
