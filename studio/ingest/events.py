"""Events of ingest: uploads, copies, the watch folder, classification and AI disclosure."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class UploadDue:
    """A file that was handed in waits to be brought into the library."""

    kind: ClassVar[str] = "upload.ingest"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PictureCopyDue:
    """A copy of a picture was asked for."""

    kind: ClassVar[str] = "picture.copy"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ClassificationDue:
    """A picture that the classifier could not look at when it came; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.look"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str


@dataclass(frozen=True)
class AiDisclosureDue:
    """`by` says that a model made what came in as a photograph; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.by_model"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str


@dataclass(frozen=True)
class WatchFolderDue:
    """The watched folder of this installation is looked at; both ids are the house's."""

    kind: ClassVar[str] = "folder.look"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
