"""What the tour of a demonstration asks of the workers: each press one event, done once."""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.ops import settings
from foundation.outbox import outbox
from tenants.agencies import queries

TOUR_ORIGIN = "tour"
"""Where the posts of the tour come from; their keys begin with the step and the run."""

KILLED_EVENT = "tour.killed"
COUNTED_EVENT = "tour.counted"
BURST_SIZE = 30
"""Posts of a burst."""

CHEAT_WAYS = ("as_it_is", "renamed", "hidden_word")
"""How somebody may try to cheat."""


@dataclass(frozen=True)
class TourStepRequested:
    """A press of the tour; `subject_id` is its run, `by` the member who pressed.

    `act` is burst, kill, count, clear_burst, cheat (`how` one of WAYS), five, by_hand or keep
    (turns a request down).
    """

    kind: ClassVar[str] = "demo.tour"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    by: str
    how: str = ""


@cache
def is_tour_allowed() -> bool:
    """Whether this installation may show itself: never in production."""
    return settings.load_settings().environment != "production"


def request_tour_step(scope: Scope, run: UUID, act: str, *, how: str = "") -> None:
    """Have the workers do a step of the tour. Raises Refused outside of a demonstration."""
    if not is_tour_allowed() or not queries.get_agency(scope).demo:
        raise Refused("tour.only_demo")
    event = TourStepRequested(scope.tenant_id, run, act, scope.actor, how)
    outbox.put(scope, event, priority=1, dedupe=f"tour:{act}:{how}")


def burst_audit_subject(run: UUID) -> str:
    """How a burst is named in the audit trail."""
    return f"tour:{run}"
