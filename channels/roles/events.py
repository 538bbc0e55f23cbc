"""Event of roles: a reader whose role has to be granted or removed."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ReaderRoleDue:
    """A reader should bear a role of an account's place, or no more; the subject is the wish. Lane
    `role:<channel>`."""

    kind: ClassVar[str] = "role.due"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
