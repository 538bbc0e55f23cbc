"""Events of viewers: an age was confirmed, an assurance was withdrawn, or a viewer changed."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class ViewerChanged:
    """The age assurance of a viewer changed; `subject_id` is the record."""

    kind: ClassVar[str] = "viewer.changed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    state: str


@dataclass(frozen=True)
class ViewerConfirmed:
    """A custodian, `by`, confirmed the age of a viewer; `custodian` is their name, `why` the digest
    of a receipt.

    `method` is one of `PROOF_METHODS`, or empty in events of older versions.
    """

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
    """A member withdraws the age assurance of a viewer: the account changed hands, or the custodian
    erred."""

    kind: ClassVar[str] = "viewer.withdraw"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
    by: str
