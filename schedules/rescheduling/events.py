"""Events of rescheduling."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PauseOver:
    """The days of a pause are over; the subject is the pause."""

    kind: ClassVar[str] = "pause.over"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
