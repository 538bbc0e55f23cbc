"""States of a manual task and of a file download."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ManualTaskState(StrEnum):
    """Status of a manual task."""

    WAITING = "waiting"  # not opened yet
    OPENED = "opened"  # opened by a member, who may have posted it
    DONE = "done"  # posted, by the member's statement
    GONE = "gone"  # removed, confirmed by the member
    CANNOT = "cannot"  # refused by the member, with a reason
    LATE = "late"  # not opened in time
    RECALLED = "recalled"  # must no longer be posted


_H = ManualTaskState


MANUAL_TASK_STATES = StateGraph(
    initial=_H.WAITING,
    edges={
        _H.WAITING: {_H.OPENED, _H.DONE, _H.GONE, _H.CANNOT, _H.LATE, _H.RECALLED},
        _H.OPENED: {_H.WAITING, _H.DONE, _H.GONE, _H.CANNOT, _H.RECALLED},
        _H.CANNOT: {_H.WAITING},
        _H.LATE: {_H.WAITING},
        _H.RECALLED: {_H.WAITING},
    },
)
"""State graph of a manual task. A task that ended without a post may be opened again; a completed
one may not."""


OPEN_TASK_STATES = (_H.WAITING, _H.OPENED)


class FileDownloadState(StrEnum):
    """Status of a file download."""

    ASKED = "asked"
    ALLOWED = "allowed"
    REFUSED = "refused"
    SERVED = "served"


FILE_DOWNLOAD_STATES = StateGraph(
    initial=FileDownloadState.ASKED,
    edges={
        FileDownloadState.ASKED: {FileDownloadState.ALLOWED, FileDownloadState.REFUSED},
        FileDownloadState.ALLOWED: {FileDownloadState.SERVED},
    },
)
