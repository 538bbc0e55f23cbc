"""States of people, viewers and permits, as graphs."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PersonState(StrEnum):
    """Whether a depicted person may be shown at all."""

    ACTIVE = "active"
    REVOKED = "revoked"
    BLOCKED = "blocked"


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

    UNKNOWN = "unknown"
    PENDING = "pending"
    ASSURED = "assured"
    EXPIRED = "expired"
    RESET = "reset"
    SUSPECTED = "suspected"
    BLOCKED = "blocked"


ASSURANCE_STATES = StateGraph(
    initial=AssuranceState.UNKNOWN,
    edges={
        AssuranceState.UNKNOWN: {
            AssuranceState.PENDING,
            AssuranceState.ASSURED,
            AssuranceState.SUSPECTED,
            AssuranceState.BLOCKED,
        },
        AssuranceState.PENDING: {
            AssuranceState.PENDING,
            AssuranceState.ASSURED,
            AssuranceState.SUSPECTED,
            AssuranceState.BLOCKED,
            AssuranceState.RESET,
        },
        AssuranceState.ASSURED: {
            AssuranceState.PENDING,
            AssuranceState.ASSURED,
            AssuranceState.EXPIRED,
            AssuranceState.RESET,
            AssuranceState.SUSPECTED,
            AssuranceState.BLOCKED,
        },
        AssuranceState.EXPIRED: {
            AssuranceState.PENDING,
            AssuranceState.ASSURED,
            AssuranceState.RESET,
            AssuranceState.SUSPECTED,
            AssuranceState.BLOCKED,
        },
        AssuranceState.RESET: {
            AssuranceState.PENDING,
            AssuranceState.ASSURED,
            AssuranceState.SUSPECTED,
            AssuranceState.BLOCKED,
        },
        AssuranceState.SUSPECTED: {AssuranceState.RESET, AssuranceState.BLOCKED},  # by a person
        # final here: only a document check by a provider could lift it
        AssuranceState.BLOCKED: set(),
    },
)


class RemovalRequestState(StrEnum):
    """How far the wish to have something taken away has come."""

    RECEIVED = "received"
    CALLED = "called"
    UPHELD = "upheld"
    REJECTED = "rejected"
    APPEALED = "appealed"
    CLOSED = "closed"


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
        # whom it went against has appealed before: the last word in the house
        RemovalRequestState.CLOSED: set(),
    },
)
