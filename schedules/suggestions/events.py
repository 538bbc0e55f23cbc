"""Events of suggestions: texts of each kind that a model must write."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class WeekTextsDue:
    """The texts of a proposed week must be written; the subject is the proposal."""

    kind: ClassVar[str] = "week.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CaptionSetDue:
    """A caption set must be written; the subject is the set."""

    kind: ClassVar[str] = "kit.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AltTextDue:
    """A vision model must propose an alt text, on the GPU queue; the subject is the proposal."""

    kind: ClassVar[str] = "picture.words"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IdeasDue:
    """Ideas for posts must be written; the subject is the batch."""

    kind: ClassVar[str] = "idea.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
