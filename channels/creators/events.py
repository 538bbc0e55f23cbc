"""Events of creators' profiles."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class OwnPageProfileDue:
    """The name or biography of a creator changed: their public page must show it."""

    kind: ClassVar[str] = "channel.own_page_profile"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class HandleChanged:
    """The handle of a creator changed: their public page must move."""

    kind: ClassVar[str] = "channel.handle_changed"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    before: str
    after: str


@dataclass(frozen=True)
class AvatarReplaced:
    """A creator's picture was replaced or removed: the old file must be deleted; the subject is the
    creator."""

    kind: ClassVar[str] = "channel.avatar_replaced"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
