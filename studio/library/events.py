"""The room's event kinds."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class RunDue:
    """A run of a recipe waits for an engine. `pause`: one picture in so many seconds, for others need the machine."""

    kind: ClassVar[str] = "job.run"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class HostedRunDue:
    """A run of a recipe waits to be bought of somebody else's engine; `pause` as of `JobDue`."""

    kind: ClassVar[str] = "job.buy"
    queue: ClassVar[outbox.Queue] = "buy"
    tenant_id: UUID
    subject_id: UUID
    pause: int = 0


@dataclass(frozen=True)
class SellerAnswerStored:
    """What a seller answered was kept for who comes after a death, and goes; `subject_id` is the order."""

    kind: ClassVar[str] = "answer.forget"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SlideshowDue:
    """A clip of stills waits to be cut."""

    kind: ClassVar[str] = "clip.cut"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AnimationDue:
    """A picture waits to be made to move by a model; `subject_id` is the clip."""

    kind: ClassVar[str] = "clip.move"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID


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
class RemotePictureDue:
    """A picture that a machine of the agency's own made waits to be brought into the library."""

    kind: ClassVar[str] = "picture.home"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SpeechDue:
    """A text waits to be said."""

    kind: ClassVar[str] = "speech.say"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class VoiceCatalogDue:
    """Somebody wants to know which voices there are; both ids are the tenant's."""

    kind: ClassVar[str] = "voices.list"
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
class StyleScoreDue:
    """A picture, the subject, was made after others: how alike it is to the look among them is to be measured."""

    kind: ClassVar[str] = "look.score"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ErasureDue:
    """A picture that was put away is to be erased, as `by` wants; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.erase"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str


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
