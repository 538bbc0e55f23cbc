"""Events of consent: a revocation that was requested, and one that took effect."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class ConsentRevoked:
    """A person took a permission back; `subject_id` is the person."""

    kind: ClassVar[str] = "consent.revoked"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    scope: str


@dataclass(frozen=True)
class PortalLinkDue:
    """Send a depicted person, the subject, a new link to their own page, at their own address.
    `tries` counts the earlier attempts."""

    kind: ClassVar[str] = "person.link"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    tries: int = 0


@dataclass(frozen=True)
class RevocationRequested:
    """A person's page, or a member for them, takes a permission back; `subject_id` is the person,
    empty scope all."""

    kind: ClassVar[str] = "consent.revoke"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    by: str
