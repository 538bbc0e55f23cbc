"""States of a pack."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class PackState(StrEnum):
    """The state of a pack; only active ones are offered."""

    DRAFT = "draft"
    ACTIVE = "active"
    PAUSED = "paused"
    RETIRED = "retired"


PACK_STATES = StateGraph(
    initial=PackState.DRAFT,
    edges={
        PackState.DRAFT: {PackState.ACTIVE, PackState.RETIRED},
        PackState.ACTIVE: {PackState.PAUSED, PackState.RETIRED},
        PackState.PAUSED: {PackState.ACTIVE, PackState.RETIRED},
    },
)
