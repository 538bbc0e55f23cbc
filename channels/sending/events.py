"""Events of sending: probes after an emergency stop, and the removal and addresses of copies."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class BrakeProbeDue:
    """A platform was down: read something harmless of the account `subject_id`; once it answers,
    posts leave again."""

    kind: ClassVar[str] = "channel.probe"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CopyRemovalDue:
    """Take one copy away; `subject_id` is the permit under which it went out, `at` when somebody
    asked (UTC-aware)."""

    kind: ClassVar[str] = "takedown.remove"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    at: datetime | None = None


@dataclass(frozen=True)
class CopyRemoved:
    """Fact: a copy is proven gone. `subject_id` is its permit; what it was a copy of is `of_kind`
    and `of_id`."""

    kind: ClassVar[str] = "copy.removed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class CopyAddressed:
    """Fact: a platform told where people find a copy. `subject_id` is its permit; what it is a copy
    of is `of_kind` and `of_id`; `before` is what it was called when it went out, `native_id` what
    it is called now."""

    kind: ClassVar[str] = "copy.addressed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    before: str
    native_id: str
    url: str
