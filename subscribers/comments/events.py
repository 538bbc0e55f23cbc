"""Events of comments: comments to fetch, to moderate and to answer."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class CommentsDue:
    """Ask the account `subject_id` what people said under its posts."""

    kind: ClassVar[str] = "remarks.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CommentModerationDue:
    """A member wants something done with the remark `subject_id`: hide, show, delete, block or
    report."""

    kind: ClassVar[str] = "remark.moderate"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    by: str


@dataclass(frozen=True)
class CommentAnswerDue:
    """A member wants words for an answer to the remark `subject_id`, `most` characters of them."""

    kind: ClassVar[str] = "remark.suggest"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    member_id: UUID
    most: int
