"""Event of roles: a role of a reader must be granted or removed."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ReaderRoleDue:
    """Grant or remove the role of a reader; the subject is the row. Lane `role:<channel>`."""

    kind: ClassVar[str] = "role.due"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
