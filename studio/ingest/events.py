"""Events of ingest: uploads, copies, the watch folder, classification and AI disclosure."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class UploadDue:
    """An uploaded file is to be ingested."""

    kind: ClassVar[str] = "upload.ingest"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PictureCopyDue:
    """A requested image copy is to be made."""

    kind: ClassVar[str] = "picture.copy"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ClassificationDue:
    """An incomplete classification is to be repeated; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.look"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    sha256: str


@dataclass(frozen=True)
class AiDisclosureDue:
    """`by` declares a file as made by a model, or answers that a file of unknown origin is a
    photograph; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.by_model"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    by: str
    is_photograph: bool = False


@dataclass(frozen=True)
class WatchFolderDue:
    """The watch folder is to be scanned; both IDs are those of the installation."""

    kind: ClassVar[str] = "folder.look"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
