"""Events of permits: the destinations of live copies must be checked."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class PlaceProbeDue:
    """Check the destinations of live copies above General again. `tenant_id` and `subject_id` are
    those of the tenant."""

    kind: ClassVar[str] = "copy.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
