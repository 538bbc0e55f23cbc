"""States of imported files."""

from enum import StrEnum


class ImportState(StrEnum):
    """The state of an imported file."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"
    WRITING = "writing"
    WRITTEN = "written"
    TAKEN_BACK = "taken_back"
