"""The room's event kinds."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation import outbox


@dataclass(frozen=True)
class JobDue:
    """A run of a recipe waits for an engine. `pause`: one picture in so many seconds, for others need the machine."""

    kind: ClassVar[str] = "job.run"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class UploadDue:
    """A file that was handed in waits to be brought into the library."""

    kind: ClassVar[str] = "upload.ingest"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class LookDue:
    """A picture that the classifier could not look at when it came; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.look"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str
