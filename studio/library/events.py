"""The room's event kinds."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ErasureDue:
    """A picture that was put away is to be erased, as `by` wants; `subject_id` is the asset."""

    kind: ClassVar[str] = "picture.erase"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    by: str
