"""Event of permits: the destinations of an account have to be checked."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class PlaceProbeDue:
    """See whether the places where something above General stands are still what they were; both
    ids the tenant."""

    kind: ClassVar[str] = "copy.probe"
    queue: ClassVar[Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
