"""Event of memory: a conversation paused, or grew long enough to be summarized."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SummaryDue:
    """Extract facts from a conversation and summarize it with a model."""

    kind: ClassVar[str] = "chat.remember"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
