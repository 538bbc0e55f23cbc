"""Events of acquisition links: invites to read, and fans whose invite is looked up."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class InvitesDue:
    """Read the uses of the invites of the account `subject_id`."""

    kind: ClassVar[str] = "acquisition.invites"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class JoinLookupDue:
    """Find the invite by which the fan `subject_id` joined the community of an account."""

    kind: ClassVar[str] = "acquisition.join"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
