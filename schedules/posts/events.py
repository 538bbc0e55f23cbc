"""The room's event kinds and facts; their handlers are in `schedules/publishing/handlers.py`."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PublishDue:
    """The delivery's time has come."""

    kind: ClassVar[str] = "delivery.publish"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PreflightDue:
    """A day before, and ten minutes before: would it go out?"""

    kind: ClassVar[str] = "delivery.preflight"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class StageDue:
    """Ten minutes before: what the post shows is uploaded; only the last step is left. Lane
    `stage:<channel>`."""

    kind: ClassVar[str] = "delivery.stage"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ReconcileDue:
    """Find out what became of a delivery whose answer is missing."""

    kind: ClassVar[str] = "delivery.reconcile"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ExtendDue:
    """The next deliveries of a series are to be made; the subject is the series."""

    kind: ClassVar[str] = "series.extend"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
