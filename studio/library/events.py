"""Event of the library: an image to be erased."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ErasureDue:
    """A retired image is to be erased, as requested by `by`; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.erase"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str
