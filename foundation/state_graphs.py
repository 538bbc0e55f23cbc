"""State graphs as data, validated when declared and used by code, tests and pages."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from foundation.errors import Conflict

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)
class StateDeadline(Generic[S]):
    """The transition of a state to `then` if it does not change within `after`."""

    after: timedelta
    then: S


@dataclass(frozen=True)
class StateGraph(Generic[S]):
    """The transitions from each state. Rejects a graph with unreachable states on import."""

    initial: S
    edges: Mapping[S, Set[S]]
    deadlines: Mapping[S, StateDeadline[S]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unreachable = set(type(self.initial)) - self._reachable_states()
        if unreachable:
            raise ValueError(f"unreachable states: {sorted(unreachable)}")
        for state, deadline in self.deadlines.items():
            if deadline.then not in self.edges.get(state, set()):
                raise ValueError(f"the deadline of {state} is no edge")

    def _reachable_states(self) -> set[S]:
        seen = {self.initial}
        todo = [self.initial]
        while todo:
            for after in self.edges.get(todo.pop(), set()):
                if after not in seen:
                    seen.add(after)
                    todo.append(after)
        return seen

    def allows(self, before: S, after: S) -> bool:
        """Return True if the transition exists."""
        return after in self.edges.get(before, set())

    def check(self, before: S, after: S) -> None:
        """Raise Conflict unless `before` may become `after`."""
        if not self.allows(before, after):
            raise Conflict("state.forbidden_move", before=str(before), after=str(after))
