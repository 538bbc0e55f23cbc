"""Events of recurrence: an evergreen pool to plan, and time zone updates to apply."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PoolDue:
    """Request to plan deliveries of an evergreen pool; the subject is the pool."""

    kind: ClassVar[str] = "pool.fill"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ClocksDue:
    """Daily request to recompute due times with the current time zone rules."""

    kind: ClassVar[str] = "calendar.clocks"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
