"""States of generation jobs, of uploads, of what the library holds, and of packs."""

from enum import StrEnum

from foundation.states import StateGraph


class JobState(StrEnum):
    """Where one run of a recipe stands. Stopped by a person: what it made so far stays."""

    QUEUED, RUNNING, DONE, FAILED, STOPPED = "queued", "running", "done", "failed", "stopped"


JOB_STATES = StateGraph(
    initial=JobState.QUEUED,
    edges={
        JobState.QUEUED: {JobState.RUNNING, JobState.FAILED, JobState.STOPPED},
        JobState.RUNNING: {JobState.DONE, JobState.FAILED, JobState.STOPPED},
    },
)


class ShelfState(StrEnum):
    """What people made of a picture of the library; a retired one is offered nowhere, and what uses it keeps it."""

    NEW, KEPT, RETIRED = "new", "kept", "retired"


SHELF_STATES = StateGraph(
    initial=ShelfState.NEW,
    edges={
        ShelfState.NEW: {ShelfState.KEPT, ShelfState.RETIRED},
        ShelfState.KEPT: {ShelfState.RETIRED, ShelfState.NEW},
        ShelfState.RETIRED: {ShelfState.KEPT},
    },
)


class UploadState(StrEnum):
    """What became of a file that was handed in."""

    WAITING, READY, REFUSED = "waiting", "ready", "refused"


UPLOAD_STATES = StateGraph(
    initial=UploadState.WAITING,
    edges={
        UploadState.WAITING: {UploadState.READY, UploadState.REFUSED},
        UploadState.REFUSED: {UploadState.WAITING},
    },
)


class PackState(StrEnum):
    """Whether a pack may be offered."""

    DRAFT, ACTIVE, PAUSED, RETIRED = "draft", "active", "paused", "retired"


PACK_STATES = StateGraph(
    initial=PackState.DRAFT,
    edges={
        PackState.DRAFT: {PackState.ACTIVE, PackState.RETIRED},
        PackState.ACTIVE: {PackState.PAUSED, PackState.RETIRED},
        PackState.PAUSED: {PackState.ACTIVE, PackState.RETIRED},
    },
)
