"""States of people, viewers and permits, as graphs."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PersonState(StrEnum):
    """Whether a depicted person may be shown at all."""

    ACTIVE, REVOKED, BLOCKED = "active", "revoked", "blocked"


PERSON_STATES = StateGraph(
    initial=PersonState.ACTIVE,
    edges={
        PersonState.ACTIVE: {PersonState.REVOKED, PersonState.BLOCKED},
        PersonState.REVOKED: {PersonState.ACTIVE, PersonState.BLOCKED},
        PersonState.BLOCKED: set(),  # final
    },
)


class AssuranceState(StrEnum):
    """What is known of a viewer's age on one platform."""

    UNKNOWN, PENDING, ASSURED = "unknown", "pending", "assured"
    EXPIRED, RESET, SUSPECTED, BLOCKED = "expired", "reset", "suspected", "blocked"


A = AssuranceState
ASSURANCE_STATES = StateGraph(
    initial=A.UNKNOWN,
    edges={
        A.UNKNOWN: {A.PENDING, A.ASSURED, A.SUSPECTED, A.BLOCKED},
        A.PENDING: {A.PENDING, A.ASSURED, A.SUSPECTED, A.BLOCKED, A.RESET},
        A.ASSURED: {A.PENDING, A.ASSURED, A.EXPIRED, A.RESET, A.SUSPECTED, A.BLOCKED},
        A.EXPIRED: {A.PENDING, A.ASSURED, A.RESET, A.SUSPECTED, A.BLOCKED},
        A.RESET: {A.PENDING, A.ASSURED, A.SUSPECTED, A.BLOCKED},
        A.SUSPECTED: {A.RESET, A.BLOCKED},  # by a person
        A.BLOCKED: set(),  # final here: only a document check by a provider could lift it
    },
)


class RemovalRequestState(StrEnum):
    """How far the wish to have something taken away has come."""

    RECEIVED, CALLED, UPHELD, REJECTED = "received", "called", "upheld", "rejected"
    APPEALED, CLOSED = "appealed", "closed"


COMPLAINT_STATES = StateGraph(
    initial=RemovalRequestState.RECEIVED,
    edges={
        RemovalRequestState.RECEIVED: {
            RemovalRequestState.CALLED,
            RemovalRequestState.UPHELD,
            RemovalRequestState.REJECTED,
        },
        RemovalRequestState.CALLED: {
            RemovalRequestState.UPHELD,
            RemovalRequestState.APPEALED,
        },  # back only by two, on appeal
        RemovalRequestState.UPHELD: {RemovalRequestState.APPEALED},
        RemovalRequestState.REJECTED: {RemovalRequestState.APPEALED},
        RemovalRequestState.APPEALED: {
            RemovalRequestState.UPHELD,
            RemovalRequestState.REJECTED,
            RemovalRequestState.CLOSED,
        },
        RemovalRequestState.CLOSED: set(),  # whom it went against has appealed before: the last word in the house
    },
)
