"""States of a manual task and of a file download."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ManualTaskState(StrEnum):
    """How a task that was handed to a person stands."""

    WAITING = "waiting"  # nobody has opened it
    OPENED = "opened"  # somebody is at it, and may have posted it
    DONE = "done"  # they say it is posted
    GONE = "gone"  # they sign that a copy is taken away
    CANNOT = "cannot"  # they say why not
    LATE = "late"  # nobody opened it in time
    RECALLED = "recalled"  # it may no longer be posted


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
"""What ended without a post may be handed over again; what is done stays done."""


OPEN_TASK_STATES = (_H.WAITING, _H.OPENED)


class FileDownloadState(StrEnum):
    """What became of a wish to save a file of a task."""

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
