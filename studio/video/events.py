"""Events of video: a slideshow or an animation to make."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SlideshowDue:
    """A slideshow is to be rendered."""

    kind: ClassVar[str] = "clip.cut"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AnimationDue:
    """An animation is to be generated; `subject_id` is the clip."""

    kind: ClassVar[str] = "clip.move"
    queue: ClassVar[outbox.Queue] = "gpu"
    tenant_id: UUID
    subject_id: UUID
