"""States of an imported file."""

from enum import StrEnum


class ImportState(StrEnum):
    """Where a file that was brought in stands."""

    WAITING, READY, REFUSED = "waiting", "ready", "refused"
    WRITING, WRITTEN, TAKEN_BACK = "writing", "written", "taken_back"
