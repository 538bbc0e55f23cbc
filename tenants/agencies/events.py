"""Events of creators."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class CreatorStateChanged:
    """A creator was deactivated, reactivated or archived; `subject_id` is the creator."""

    kind: ClassVar[str] = "creator.state_changed"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    state: str


@dataclass(frozen=True)
class CreatorApprovalsRaised:
    """The posts of a creator need more approvals than before, because the maximum rating was
    raised; `subject_id` is the creator."""

    kind: ClassVar[str] = "creator.approvals_raised"
    queue: ClassVar[Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
