"""States of persons, viewers and removal requests, as graphs."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PersonState(StrEnum):
    """State of a depicted person: only an active person may be shown."""

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


class DepictionAnswer(StrEnum):
    """Answer to the question who is shown in an asset, or heard in a recording.

    `CREATOR` means the creator alone, `OTHERS` anyone else, with or without the creator.
    """

    NO_PEOPLE = "no_people"
    CREATOR = "creator"
    OTHERS = "others"
    UNSURE = "unsure"


class AssuranceState(StrEnum):
    """State of the age assurance of a viewer on one platform."""

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
        AssuranceState.SUSPECTED: {AssuranceState.RESET, AssuranceState.BLOCKED},  # set by a member
        # Final in this product: only a document check by a provider could lift it.
        AssuranceState.BLOCKED: set(),
    },
)


class RemovalRequestState(StrEnum):
    """Progress of a removal request."""

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
        },  # reversed only by two members, on appeal
        RemovalRequestState.UPHELD: {RemovalRequestState.APPEALED},
        RemovalRequestState.REJECTED: {RemovalRequestState.APPEALED},
        RemovalRequestState.APPEALED: {
            RemovalRequestState.UPHELD,
            RemovalRequestState.REJECTED,
            RemovalRequestState.CLOSED,
        },
        # The final ruling: its loser has already used the only appeal.
        RemovalRequestState.CLOSED: set(),
    },
)
