"""Events of consent: a revocation was requested or took effect, and a portal link must be sent."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class ConsentRevoked:
    """A permission was revoked; `subject_id` is the person."""

    kind: ClassVar[str] = "consent.revoked"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    scope: str


@dataclass(frozen=True)
class PortalLinkDue:
    """Send a depicted person, the subject, a new link to their portal, at their address. `tries`
    counts the earlier attempts."""

    kind: ClassVar[str] = "person.link"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    tries: int = 0
    by: str = ""
    """The actor who sends the link, if one does."""


@dataclass(frozen=True)
class RevocationRequested:
    """A person in their portal, or a member on their behalf, revokes a permission. `subject_id` is
    the person; an empty `scope` means all permissions."""

    kind: ClassVar[str] = "consent.revoke"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    scope: str
    by: str
