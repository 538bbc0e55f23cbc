"""State graphs as data, checked when they are declared, so code, tests and pages read the same
one."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from foundation.errors import Conflict

S = TypeVar("S", bound=StrEnum)


@dataclass(frozen=True)
class StateDeadline(Generic[S]):
    """A state left to itself moves to `then` when `after` has passed."""

    after: timedelta
    then: S


@dataclass(frozen=True)
class StateGraph(Generic[S]):
    """Edges from each state to those it may become. Refuses, at import, a graph that cannot be
    walked."""

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
        """Whether the edge exists."""
        return after in self.edges.get(before, set())

    def check(self, before: S, after: S) -> None:
        """Raise Conflict unless `before` may become `after`."""
        if not self.allows(before, after):
            raise Conflict("state.forbidden_move", before=str(before), after=str(after))
