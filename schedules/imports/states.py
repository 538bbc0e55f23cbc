"""States of an imported file."""

from enum import StrEnum


class ImportState(StrEnum):
    """Where a file that was brought in stands."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"
    WRITING = "writing"
    WRITTEN = "written"
    TAKEN_BACK = "taken_back"
