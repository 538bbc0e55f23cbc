"""Every state graph: each state reaches an end and has a text in both languages."""

import importlib
import inspect
import re
from enum import StrEnum

import pytest

from foundation.i18n.translation import LANGUAGES, load_catalogue
from foundation.state_graphs import StateGraph
from tests.architecture.test_catalogues import literals, prefixes
from tests.architecture.tree import PACKAGES, ROOT

TERMINAL: dict[str, set[str]] = {
    "AccountSetupState": {"connected", "refused"},
    "AgeCheckState": {"failed", "recalled"},
    "AgeProviderState": set(),  # an ended provider may be connected again
    "AltTextState": {"taken", "refused"},
    "AssuranceState": {"blocked"},
    "ChannelState": set(),  # a lost account may be connected again
    "CreatorState": set(),  # an archived creator may be reactivated
    "DeliveryState": {"cancelled", "rehearsed", "removed"},
    "DowntimeState": {"over", "stopped"},
    "DraftState": {"cancelled", "expired", "failed", "rejected", "sent"},
    "EditState": {"done", "dropped"},
    "FileDownloadState": {"refused", "served"},
    "FulfilmentState": {"delivered", "refused"},
    "ImportState": {"taken_back"},
    "JobState": {"done", "stopped"},
    "ManualTaskState": {"done", "gone"},
    "OrderState": {"refunded"},
    "OwnerState": set(),  # a conversation can always change owner
    "PackState": {"retired"},
    "PersonState": {"blocked"},
    "PurchaseState": {"paid"},
    "RefundState": {"done"},
    "RemovalRequestState": {"closed"},
    "SeriesState": {"stopped"},
    "ShelfState": set(),  # an archived asset may be restored
    "SpeechState": {"failed", "made"},
    "SubscriptionState": set(),  # an ended subscription may be offered again
    "TextRequestState": {"kept", "lost", "unheard"},
    "UploadState": set(),
    "StepState": {"done"},  # a skipped or failed step may be run again
    "WeekLineState": {"accepted", "dropped"},
}
"""Terminal states that the packages intend. A graph that is not listed here fails."""


CODES = {
    "AccountSetupState": "enrolment",
    "AgeCheckState": "check",
    "AgeProviderState": "provider",
    "AltTextState": "proposal",
    "FileDownloadState": "save",
    "ManualTaskState": "handover",
    "RemovalRequestState": "complaint",
    "TextRequestState": "text",
}
"""Names of graphs in the catalogues, where they are older than the class."""


def graphs() -> list[tuple[str, StateGraph[StrEnum]]]:
    """Return every graph of every `states.py`, with its dotted name."""
    found = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("states.py")):
            name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
            for attribute, value in vars(importlib.import_module(name)).items():
                if isinstance(value, StateGraph):
                    found.append((f"{name}.{attribute}", value))
    return found


def code_of(state: StrEnum) -> str:
    """Return the catalogue code of a state: `DeliveryState.TOO_LATE` is
    `state.delivery.too_late`."""
    name = type(state).__name__
    graph = CODES.get(name, re.sub(r"(?<!^)(?=[A-Z])", "_", name.removesuffix("State")).lower())
    return f"state.{graph}.{state.value}"


GRAPHS = [pytest.param(graph, id=name) for name, graph in graphs()]


@pytest.mark.parametrize("graph", GRAPHS)
def test_terminal_states_are_the_listed_ones(graph: StateGraph[StrEnum]) -> None:
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
def test_every_state_has_a_text(graph: StateGraph[StrEnum], language: str) -> None:
    missing = {code_of(state) for state in type(graph.initial)} - set(load_catalogue(language))
    assert not missing, sorted(missing)


@pytest.mark.parametrize("graph", GRAPHS)
def test_states_of_a_graph_are_string_enum_members(graph: StateGraph[StrEnum]) -> None:
    assert all(inspect.isclass(type(state)) and isinstance(state, StrEnum) for state in graph.edges)


def test_no_state_text_is_unused() -> None:
    """A state that is no node of a graph (of a process, for example) is used by a literal or by an
    f-string."""
    said = {code for code in load_catalogue("en") if re.match(r"state\.[a-z_]+\.", code)}
    own = tuple(prefix for prefix in prefixes() if prefix.count(".") > 1)
    left = (
        said
        - {code_of(state) for _, graph in graphs() for state in type(graph.initial)}
        - literals()
    )
    assert not [code for code in left if not code.startswith(own)]


class Planted(StrEnum):
    OPEN, CLOSED, LOST = "open", "closed", "lost"


def test_unreachable_state_is_refused() -> None:
    with pytest.raises(ValueError, match="lost"):
        StateGraph(initial=Planted.OPEN, edges={Planted.OPEN: {Planted.CLOSED}})
