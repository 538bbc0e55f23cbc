"""Events of edits: a live post to edit, and an uncertain edit that was resolved."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class EditDue:
    """An edit is due to be sent; the subject is the edit. Lane `channel:<id>`."""

    kind: ClassVar[str] = "delivery.edit"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EditResolved:
    """A member (`by`) confirmed which text is published: the new one if `came` is True. The subject
    is the edit."""

    kind: ClassVar[str] = "delivery.edit_said"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    came: bool
    by: str
