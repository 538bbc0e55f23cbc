"""Every state graph of the house: walked to the end, and each state with a sentence in both languages."""

import importlib
import inspect
import re
from enum import StrEnum

import pytest

from foundation.i18n.translation import LANGUAGES, load_catalogue
from foundation.state_graphs import StateGraph
from tests.house.test_words import literals, prefixes
from tests.house.tree import ROOMS, ROOT

TERMINAL: dict[str, set[str]] = {
    "AssuranceState": {"blocked"},
    "ProposalState": {"taken", "refused"},
    "ComplaintState": {"closed"},
    "CheckState": {"failed", "recalled"},
    "ChannelState": set(),  # a lost account may be connected again
    "DeliveryState": {"cancelled", "rehearsed", "removed"},
    "DowntimeState": {"over", "stopped"},
    "EnrolmentState": {"connected", "refused"},
    "DraftState": {"cancelled", "expired", "failed", "rejected", "sent"},
    "FulfilmentState": {"delivered", "refused"},
    "EditState": {"done", "dropped"},
    "HandoverState": {"done", "gone"},
    "ImportState": {"taken_back"},
    "JobState": {"done", "stopped"},
    "PurchaseState": {"paid"},
    "OrderState": {"refunded"},
    "OwnerState": set(),  # who answers a fan goes round for ever
    "PackState": {"retired"},
    "PersonState": {"blocked"},
    "ProviderState": set(),  # what was ended may be connected again
    "RefundState": {"done"},
    "SaveState": {"refused", "served"},
    "SeriesState": {"stopped"},
    "SubscriptionState": set(),  # what ended may be offered again
    "ShelfState": set(),  # what was put away may be taken out again
    "SpeechState": {"failed", "made"},
    "TextState": {"kept", "lost", "unheard"},
    "UploadState": set(),
    "WeekLineState": {"accepted", "dropped"},
}
"""States nothing leaves, as meant by their rooms. A graph that is not named here fails."""


def graphs() -> list[tuple[str, StateGraph[StrEnum]]]:
    """Every graph of every room's states.py."""
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("states.py")):
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            for attribute, value in vars(importlib.import_module(name)).items():
                if isinstance(value, StateGraph):
                    found.append((f"{name}.{attribute}", value))
    return found


def code_of(state: StrEnum) -> str:
    """`DeliveryState.TOO_LATE` → `state.delivery.too_late`."""
    graph = re.sub(r"(?<!^)(?=[A-Z])", "_", type(state).__name__.removesuffix("State")).lower()
    return f"state.{graph}.{state.value}"


GRAPHS = [pytest.param(graph, id=name) for name, graph in graphs()]


@pytest.mark.parametrize("graph", GRAPHS)
def test_nothing_leaves_only_the_states_meant_so(graph: StateGraph[StrEnum]) -> None:
    kind = type(graph.initial)
    dead_ends = {state.value for state in kind if not graph.edges.get(state)}
    assert dead_ends == TERMINAL.get(kind.__name__), kind.__name__


@pytest.mark.parametrize("graph", GRAPHS)
def test_every_state_reaches_an_end(graph: StateGraph[StrEnum]) -> None:
    ends = {state for state in type(graph.initial) if not graph.edges.get(state)} or {graph.initial}
    for _ in type(graph.initial):
        ends |= {state for state, after in graph.edges.items() if set(after) & ends}
    assert set(type(graph.initial)) == ends


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("graph", GRAPHS)
def test_every_state_has_a_sentence(graph: StateGraph[StrEnum], language: str) -> None:
    missing = {code_of(state) for state in type(graph.initial)} - set(load_catalogue(language))
    assert not missing, sorted(missing)


@pytest.mark.parametrize("graph", GRAPHS)
def test_graph_is_data(graph: StateGraph[StrEnum]) -> None:
    assert all(inspect.isclass(type(state)) and isinstance(state, StrEnum) for state in graph.edges)


def test_no_state_sentence_is_left_over() -> None:
    """A state that is no node of a graph (a process, say) is used by a literal or an f-string of its own."""
    said = {code for code in load_catalogue("en") if re.match(r"state\.[a-z_]+\.", code)}
    own = tuple(prefix for prefix in prefixes() if prefix.count(".") > 1)
    left = said - {code_of(state) for _, graph in graphs() for state in type(graph.initial)} - literals()
    assert not [code for code in left if not code.startswith(own)]


class Planted(StrEnum):
    OPEN, CLOSED, LOST = "open", "closed", "lost"


def test_unreachable_state_is_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        StateGraph(initial=Planted.OPEN, edges={Planted.OPEN: {Planted.CLOSED}})
