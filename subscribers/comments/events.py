"""Events of comments: comments to fetch, to moderate and to answer."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class CommentsDue:
    """Fetch the comments of the account `subject_id`."""

    kind: ClassVar[str] = "remarks.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CommentModerationDue:
    """Apply a member's action to the comment `subject_id`: hide, show, delete, block, report, like
    or unlike."""

    kind: ClassVar[str] = "remark.moderate"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    by: str


@dataclass(frozen=True)
class CommentAnswerDue:
    """Suggest an answer of at most `most` characters to the comment `subject_id`."""

    kind: ClassVar[str] = "remark.suggest"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    member_id: UUID
    most: int
