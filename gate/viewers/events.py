"""Events of viewers: an age that was confirmed or withdrawn, a viewer who changed."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class ViewerChanged:
    """What is known of a reader's age changed; `subject_id` is the record."""

    kind: ClassVar[str] = "viewer.changed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    state: str


@dataclass(frozen=True)
class ViewerConfirmed:
    """A custodian, `by`, confirmed a reader's age; `custodian` is their name, `why` the digest of a
    receipt. `method` is one of `PROOF_METHODS`, empty where a member typed it in an older
    version."""

    kind: ClassVar[str] = "viewer.confirm"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    custodian: str
    why: str
    by: str
    method: str = ""


@dataclass(frozen=True)
class AgeAssuranceWithdrawn:
    """A member takes a reader's proof of age back: an account that changed hands, a custodian who
    erred."""

    kind: ClassVar[str] = "viewer.withdraw"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    by: str
