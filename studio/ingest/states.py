"""States of an upload or of a requested copy."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class UploadState(StrEnum):
    """The state of an upload or of a requested copy."""

    WAITING = "waiting"
    READY = "ready"
    REFUSED = "refused"


UPLOAD_STATES = StateGraph(
    initial=UploadState.WAITING,
    edges={
        UploadState.WAITING: {UploadState.READY, UploadState.REFUSED},
        UploadState.REFUSED: {UploadState.WAITING},
        UploadState.READY: {UploadState.REFUSED},  # its image was erased
    },
)
