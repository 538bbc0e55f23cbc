"""Events of removal requests.

Their listeners are in `workers/event_routes/registry.py`.
"""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class RemovalRequestDue:
    """Freeze the content of a removal request, the subject, and recall it at the deadline."""

    kind: ClassVar[str] = "complaint.due"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RemovalRequestDecided:
    """A member decided a removal request, the subject.

    `because` is the reason for keeping the content, or empty to remove it. `found` are the
    comma-separated digests of the content that the member identified.
    """

    kind: ClassVar[str] = "complaint.decide"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    because: str
    by: str
    found: str = ""


@dataclass(frozen=True)
class ReportDue:
    """Search the agencies for the content of a report.

    `tenant_id` is the installation's and `subject_id` the report's.
    """

    kind: ClassVar[str] = "report.seek"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IntakeDue:
    """Check that the removal request form is publicly reachable.

    `tenant_id` and `subject_id` are those of the installation.
    """

    kind: ClassVar[str] = "intake.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class DecisionTargetReached:
    """The target for deciding a request, or the appeal against its ruling `number`, has passed."""

    kind: ClassVar[str] = "complaint.target"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    number: int


@dataclass(frozen=True)
class TakedownOpened:
    """A copy must be removed; `subject_id` is the jti of its permit."""

    kind: ClassVar[str] = "takedown.opened"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
