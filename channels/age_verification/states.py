"""States of an age verification provider and of one viewer's check."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class AgeProviderState(StrEnum):
    """State of a provider."""

    WAITING = "waiting"  # the submitted form is being tested
    CONNECTED = "connected"
    REFUSED = "refused"  # the provider refuses the key
    OFF = "off"  # disconnected by a member; proven ages remain


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
    """State of a viewer's age check."""

    INVITED = "invited"  # the viewer has the link
    BEGINNING = "beginning"  # requested by the viewer; the session is being opened
    OPEN = "open"  # the provider waits for the viewer
    AWAY = "away"  # the provider is unreachable
    PASSED = "passed"
    FAILED = "failed"  # not an adult, by the provider
    ENDED = "ended"  # without a result; the viewer may begin again
    UNFIT = "unfit"  # the result is not sufficient
    RECALLED = "recalled"  # the provider withdrew its result


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
