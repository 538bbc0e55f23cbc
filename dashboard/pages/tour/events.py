"""Requests of the guided tour to the workers. Each click creates one event, which is
handled once."""

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
"""Origin of posts that the tour creates. Their keys begin with the step and the run."""

KILLED_EVENT = "tour.killed"
COUNTED_EVENT = "tour.counted"
BURST_SIZE = 30
"""Number of posts in a burst."""

CHEAT_WAYS = ("as_it_is", "renamed", "hidden_word")
"""Ways to try to bypass the safety check in the tour."""


@dataclass(frozen=True)
class TourStepRequested:
    """A requested step of the tour. `subject_id` is its run, `by` the actor who clicked.

    `act` is burst, kill, count, clear_burst, cheat (`how` is one of CHEAT_WAYS), five, by_hand or
    keep (declines a removal request).
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
    """Return True if this installation may offer the tour. Production installations may not."""
    return settings.load_settings().environment != "production"


def request_tour_step(scope: Scope, run: UUID, act: str, *, how: str = "") -> None:
    """Request a step of the tour from the workers. Raise Refused if the agency is not a demo."""
    if not is_tour_allowed() or not queries.get_agency(scope).demo:
        raise Refused("tour.only_demo")
    event = TourStepRequested(scope.tenant_id, run, act, scope.actor, how)
    outbox.put(scope, event, priority=1, dedupe=f"tour:{act}:{how}")


def burst_audit_subject(run: UUID) -> str:
    """Return the subject of a burst in the audit log."""
    return f"tour:{run}"
