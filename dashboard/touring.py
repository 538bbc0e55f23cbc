"""What the tour of a demonstration asks of the workers: each press one event, done once."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar
from uuid import UUID

from foundation import outbox, settings
from foundation.database import Scope
from foundation.errors import Refused
from tenants import reads as tenant_reads

ORIGIN = "tour"
"""Where the posts of the tour come from; their keys begin with the step and the run."""

KILLED, COUNTED = "tour.killed", "tour.counted"
BURST = 30
"""Posts of a burst."""

WAYS = ("as_it_is", "renamed", "hidden_word")
"""How somebody may try to cheat."""


@dataclass(frozen=True)
class TourAct:
    """A press of the tour; `subject_id` is its run, `by` the member who pressed.

    `act` is burst, kill, count, clear_burst, cheat (`how` one of WAYS), five, by_hand or keep (turns a request down).
    """

    kind: ClassVar[str] = "demo.tour"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    by: str
    how: str = ""


@cache
def may_play() -> bool:
    """Whether this installation may show itself: never in production."""
    return settings.load().environment != "production"


def ask(scope: Scope, run: UUID, act: str, *, how: str = "") -> None:
    """Have the workers do a step of the tour. Raises Refused outside of a demonstration."""
    if not may_play() or not tenant_reads.agency(scope).demo:
        raise Refused("tour.only_demo")
    event = TourAct(scope.tenant_id, run, act, scope.actor, how)
    outbox.put(scope, event, priority=1, dedupe=f"tour:{act}:{how}")


def about(run: UUID) -> str:
    """How a burst is named in the audit trail."""
    return f"tour:{run}"
