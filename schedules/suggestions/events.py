"""Events of suggestions: texts of each kind that a model has to write."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class WeekTextsDue:
    """The words of a proposed week are to be written; the subject is the proposal."""

    kind: ClassVar[str] = "week.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CaptionSetDue:
    """Texts around one idea are to be written; the subject is the kit."""

    kind: ClassVar[str] = "kit.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AltTextDue:
    """A model that sees is to propose words for a picture; the subject is the proposal. It takes
    the card."""

    kind: ClassVar[str] = "picture.words"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class IdeasDue:
    """Ideas for posts are to be written; the subject is their round."""

    kind: ClassVar[str] = "idea.words"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
