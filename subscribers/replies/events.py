"""Events of personas."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PersonaTrialDue:
    """Answer the test chat `subject_id`."""

    kind: ClassVar[str] = "persona.trial"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
