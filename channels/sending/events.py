"""Events of sending: probes of platforms that were unavailable, and the removal and addresses of
copies."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class BrakeProbeDue:
    """A platform was unavailable: send a harmless read request for the account `subject_id`. Posts
    continue once the platform responds."""

    kind: ClassVar[str] = "channel.probe"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PermitVoidDue:
    """An abandoned attempt sent nothing: void its permit `subject_id`. Only the gate may write
    permits, and the member's process that abandons an attempt does not act for it."""

    kind: ClassVar[str] = "permit.void"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CopyRemovalDue:
    """Remove a copy; `subject_id` is the permit under which it was published, `at` the time of the
    request (UTC-aware)."""

    kind: ClassVar[str] = "takedown.remove"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    at: datetime | None = None


@dataclass(frozen=True)
class CopyRemoved:
    """A copy is proven removed.

    `subject_id` is its permit; `of_kind` and `of_id` identify its subject.
    """

    kind: ClassVar[str] = "copy.removed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    channel_id: UUID


@dataclass(frozen=True)
class CopyAddressed:
    """A platform reported the URL of a copy.

    `subject_id` is its permit; `of_kind` and `of_id` identify its subject; `before` is its native
    ID at publication, `native_id` the current one.
    """

    kind: ClassVar[str] = "copy.addressed"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    before: str
    native_id: str
    url: str
