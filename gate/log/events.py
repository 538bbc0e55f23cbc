"""The event of the log: checkpoints may be due."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class CheckpointDue:
    """Find the logs that need a checkpoint; `tenant_id` and `subject_id` are the installation's."""

    kind: ClassVar[str] = "log.checkpoint"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
