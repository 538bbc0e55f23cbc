"""Events of manual tasks: a task to check, a file to download, a task that ended."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ManualTaskCheckDue:
    """A task of a person: remind them, or close it when nobody opened it in time; `subject_id` is
    the task."""

    kind: ClassVar[str] = "handover.look"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FileDownloadRequested:
    """A phone wants a file of a task: decide again; `subject_id` is the wish, which waits on
    somebody's screen."""

    kind: ClassVar[str] = "handover.save"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ManualTaskEnded:
    """Fact: a person's task has an end; `subject_id` is the task, what was handed over is `of_kind`
    and `of_id`.

    `end` is posted, linked (the address of what was posted, told later), cannot, late or recalled;
    `why` the code of the sentence that says so, `by` the actor.
    """

    kind: ClassVar[str] = "handover.ended"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
    of_kind: str
    of_id: UUID
    end: str
    why: str
    by: str
    native_id: str
    url: str
