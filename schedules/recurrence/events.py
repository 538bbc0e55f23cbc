"""Events of recurrence: an evergreen pool to plan, and time zone updates to apply."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PoolDue:
    """A pool looks for room on the calendar; the subject is the pool."""

    kind: ClassVar[str] = "pool.fill"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ClocksDue:
    """Once a day: every planned time is what its clock says under the rules of time zones we have
    now."""

    kind: ClassVar[str] = "calendar.clocks"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
