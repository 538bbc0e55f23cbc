"""States of generation jobs, of what they buy, of uploads, of speeches, of what the library holds,
and of packs."""

from enum import StrEnum

from foundation.state_graphs import StateGraph


class ShelfState(StrEnum):
    """What people made of a picture of the library; a retired one is offered nowhere, and what uses
    it keeps it."""

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
