"""States of a creator."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class CreatorState(StrEnum):
    """The state of a creator; only active ones publish posts and answer fans."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    ARCHIVED = "archived"  # inactive, and hidden from the lists of creators


CREATOR_STATES = StateGraph(
    initial=CreatorState.ACTIVE,
    edges={
        CreatorState.ACTIVE: {CreatorState.INACTIVE, CreatorState.ARCHIVED},
        CreatorState.INACTIVE: {CreatorState.ACTIVE, CreatorState.ARCHIVED},
        CreatorState.ARCHIVED: {CreatorState.ACTIVE},
    },
)
