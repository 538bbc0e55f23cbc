"""State of an image in the library."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ShelfState(StrEnum):
    """The state of an image chosen by members; a retired one is no longer offered, but existing
    uses remain."""

    NEW = "new"
    KEPT = "kept"
    RETIRED = "retired"


SHELF_STATES = StateGraph(
    initial=ShelfState.NEW,
    edges={
        ShelfState.NEW: {ShelfState.KEPT, ShelfState.RETIRED},
        ShelfState.KEPT: {ShelfState.RETIRED, ShelfState.NEW},
        ShelfState.RETIRED: {ShelfState.KEPT, ShelfState.NEW},
    },
)
