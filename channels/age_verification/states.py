"""States of an age verification provider and of one viewer's check."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


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
