"""Events of engine checks."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class EngineCheckDue:
    """An engine is to be checked; the subject is the row of the check."""

    kind: ClassVar[str] = "engine.check"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    engine: str
