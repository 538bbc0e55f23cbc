"""Event of the log: a signed checkpoint is due."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class CheckpointDue:
    """Look which logs have come far enough for a checkpoint; `tenant_id` and `subject_id` are the
    house."""

    kind: ClassVar[str] = "log.checkpoint"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
