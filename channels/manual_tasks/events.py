"""Events of manual tasks: a task to check, a requested file download, and the end of a task."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ManualTaskCheckDue:
    """Send reminders of a task, or close it if it was not opened in time; `subject_id` is the
    task."""

    kind: ClassVar[str] = "handover.look"
    queue: ClassVar[outbox.Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FileDownloadRequested:
    """A phone requests a file of a task: decide again; `subject_id` is the request, for which a
    page waits."""

    kind: ClassVar[str] = "handover.save"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ManualTaskEnded:
    """A manual task ended; `subject_id` is the task, `of_kind` and `of_id` identify its post.

    `end` is posted, linked (the URL of the post, added later), cannot, late or recalled; `why` is
    the code of the reason, `by` the actor.
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
