"""States of an account on a platform."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ChannelState(StrEnum):
    """Whether posts and messages may leave by this account."""

    ACTIVE = "active"
    PAUSED = "paused"  # a person wants a rest; kept until they resume, or until `paused_until`
    REAUTHORIZE = "reauthorize"  # the platform refuses the token: the owner must connect it again
    GONE = "gone"  # the account is deleted, suspended, or threw us out
    LEAVING = "leaving"  # a person takes it off: its platform is told, then its credentials are forgotten
    DISCONNECTED = "disconnected"  # a person took it off: no credential is kept; its history is


DISCONNECTED_STATES = frozenset({ChannelState.LEAVING, ChannelState.DISCONNECTED})
"""States a person asked for: no platform moves an account out of them."""

UNUSABLE_STATES = frozenset({ChannelState.REAUTHORIZE, ChannelState.GONE}) | DISCONNECTED_STATES
"""States in which nothing leaves until somebody connects the account again."""


class AccountSetupState(StrEnum):
    """How connecting an account stands."""

    WAITING = "waiting"  # the workers ask the platform
    VISITING = "visiting"  # a person goes on at the platform, and comes back
    CONNECTED = "connected"
    REFUSED = "refused"  # with the reason; the form must be filled in again


ACCOUNT_SETUP_STATES = StateGraph(
    initial=AccountSetupState.WAITING,
    edges={
        AccountSetupState.WAITING: {AccountSetupState.VISITING, AccountSetupState.CONNECTED, AccountSetupState.REFUSED},
        AccountSetupState.VISITING: {AccountSetupState.WAITING, AccountSetupState.REFUSED},
    },
)

_S = ChannelState
CHANNEL_STATES = StateGraph(
    initial=_S.ACTIVE,
    edges={
        _S.ACTIVE: {_S.PAUSED, _S.REAUTHORIZE, _S.GONE, _S.LEAVING},
        _S.PAUSED: {_S.PAUSED, _S.ACTIVE, _S.REAUTHORIZE, _S.GONE, _S.LEAVING},
        _S.REAUTHORIZE: {_S.ACTIVE, _S.PAUSED, _S.GONE, _S.LEAVING},
        _S.GONE: {_S.ACTIVE, _S.PAUSED, _S.LEAVING},
        _S.LEAVING: {_S.ACTIVE, _S.PAUSED, _S.DISCONNECTED},
        _S.DISCONNECTED: {_S.ACTIVE, _S.PAUSED},
    },
)


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

    ASKED, ALLOWED, REFUSED, SERVED = "asked", "allowed", "refused", "served"


FILE_DOWNLOAD_STATES = StateGraph(
    initial=FileDownloadState.ASKED,
    edges={
        FileDownloadState.ASKED: {FileDownloadState.ALLOWED, FileDownloadState.REFUSED},
        FileDownloadState.ALLOWED: {FileDownloadState.SERVED},
    },
)


class AgeProviderState(StrEnum):
    """Whether a provider checks ages for us."""

    WAITING = "waiting"  # the workers try what was typed
    CONNECTED = "connected"
    REFUSED = "refused"  # it does not take our key
    OFF = "off"  # a person ended it: what is proven stays, nothing new is asked


_P = AgeProviderState
AGE_PROVIDER_STATES = StateGraph(
    initial=_P.WAITING,
    edges={
        _P.WAITING: {_P.WAITING, _P.CONNECTED, _P.REFUSED, _P.OFF},
        _P.CONNECTED: {_P.WAITING, _P.CONNECTED, _P.REFUSED, _P.OFF},
        _P.REFUSED: {_P.WAITING, _P.CONNECTED, _P.REFUSED, _P.OFF},
        _P.OFF: {_P.WAITING},
    },
)


class AgeCheckState(StrEnum):
    """How a viewer's check of age stands."""

    INVITED = "invited"  # they were given the link
    BEGINNING = "beginning"  # they want to: the provider is asked
    OPEN = "open"  # the provider waits for them
    AWAY = "away"  # the provider cannot be reached
    PASSED = "passed"
    FAILED = "failed"  # the provider says: not an adult
    ENDED = "ended"  # nothing was said of an age; they may begin again
    UNFIT = "unfit"  # what was said cannot be taken
    RECALLED = "recalled"  # the provider took back what it had said


_C = AgeCheckState
AGE_CHECK_STATES = StateGraph(
    initial=_C.INVITED,
    edges={
        _C.INVITED: {_C.BEGINNING},
        _C.BEGINNING: {_C.OPEN, _C.AWAY, _C.UNFIT},
        _C.AWAY: {_C.BEGINNING},
        _C.OPEN: {_C.PASSED, _C.FAILED, _C.ENDED, _C.UNFIT},
        _C.ENDED: {_C.BEGINNING},
        _C.UNFIT: {_C.BEGINNING},
        _C.PASSED: {_C.FAILED, _C.RECALLED},
    },
)
