"""What the room states, once each; who hears of it is listed in
`workers/event_routes/registry.py`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class RemovalRequestDue:
    """Somebody wants something gone: freeze it, and call it back when the clock is over;
    `subject_id` the complaint."""

    kind: ClassVar[str] = "complaint.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RemovalRequestDecided:
    """A member decided about a complaint, the subject: `because` says why it may stay, empty that
    it goes. `found` are the digests, with commas between them, of what they found to be meant."""

    kind: ClassVar[str] = "complaint.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str
    found: str = ""


@dataclass(frozen=True)
class ReportDue:
    """Somebody reported something to the house: look in which agencies it is. Both ids: the house,
    the report."""

    kind: ClassVar[str] = "report.seek"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IntakeDue:
    """See whether the form for removal requests is reached from outside; both ids are the
    house's."""

    kind: ClassVar[str] = "intake.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DecisionTargetReached:
    """Somebody should have decided by now about a request, or about the appeal against its ruling
    `number`."""

    kind: ClassVar[str] = "complaint.target"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    number: int


@dataclass(frozen=True)
class TakedownOpened:
    """A copy has to go; `subject_id` is the jti of the permit it lies under."""

    kind: ClassVar[str] = "takedown.opened"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
