"""States of generation jobs, of what they buy, of uploads, of speeches, of what the library holds, and of packs."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class JobState(StrEnum):
    """Where one run of a recipe, or one clip, stands. Stopped by a person: what it made so far stays."""

    QUEUED, RUNNING, DONE, FAILED, STOPPED = "queued", "running", "done", "failed", "stopped"


JOB_STATES = StateGraph(
    initial=JobState.QUEUED,
    edges={
        JobState.QUEUED: {JobState.RUNNING, JobState.FAILED, JobState.STOPPED},
        JobState.RUNNING: {JobState.DONE, JobState.FAILED, JobState.STOPPED},
        JobState.FAILED: {JobState.QUEUED},  # a person has what is missing made
    },
)


class PurchaseState(StrEnum):
    """Where one picture that is bought stands. All but a released one count as spent."""

    RESERVED = "reserved"  # its price is set aside, and nothing was asked
    ASKED = "asked"  # it may be billed: nobody asks again before he has looked for it
    PAID, RELEASED = "paid", "released"


PURCHASE_STATES = StateGraph(
    initial=PurchaseState.RESERVED,
    edges={
        PurchaseState.RESERVED: {PurchaseState.ASKED, PurchaseState.RELEASED},
        PurchaseState.ASKED: {PurchaseState.RESERVED, PurchaseState.PAID},
        PurchaseState.RELEASED: {PurchaseState.RESERVED},
    },
)


class TextRequestState(StrEnum):
    """Where one request for a text stands. All but one that was never heard count as spent."""

    ASKED = "asked"  # it left, or is about to: who was killed here may have been billed
    ANSWERED = "answered"  # billed; nobody used it yet, and perhaps nobody will
    KEPT = "kept"
    LOST = "lost"  # no whole answer came, and it may be billed
    UNHEARD = "unheard"


TEXT_REQUEST_STATES = StateGraph(
    initial=TextRequestState.ASKED,
    edges={
        TextRequestState.ASKED: {TextRequestState.ANSWERED, TextRequestState.LOST, TextRequestState.UNHEARD},
        TextRequestState.ANSWERED: {TextRequestState.KEPT},
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
        ShelfState.RETIRED: {ShelfState.KEPT, ShelfState.NEW},
    },
)


class UploadState(StrEnum):
    """What became of a file that was handed in, or of a copy that was asked for."""

    WAITING, READY, REFUSED = "waiting", "ready", "refused"


UPLOAD_STATES = StateGraph(
    initial=UploadState.WAITING,
    edges={
        UploadState.WAITING: {UploadState.READY, UploadState.REFUSED},
        UploadState.REFUSED: {UploadState.WAITING},
        UploadState.READY: {UploadState.REFUSED},  # its picture was erased
    },
)


class SpeechState(StrEnum):
    """What became of a text to say. Asked: an engine may have said and billed it; uncertain: nobody knows, until a
    person takes it as billed."""

    WAITING, ASKED, MADE, FAILED, UNCERTAIN = "waiting", "asked", "made", "failed", "uncertain"


SPEECH_STATES = StateGraph(
    initial=SpeechState.WAITING,
    edges={
        SpeechState.WAITING: {SpeechState.ASKED, SpeechState.FAILED},
        SpeechState.ASKED: {SpeechState.WAITING, SpeechState.MADE, SpeechState.FAILED, SpeechState.UNCERTAIN},
        SpeechState.UNCERTAIN: {SpeechState.FAILED},
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
