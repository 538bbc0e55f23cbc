"""Event of metrics: a published post whose copy has to be verified."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class DeliveryVerificationDue:
    """See that the delivery `subject_id` stands outside as it was sent."""

    kind: ClassVar[str] = "delivery.verify"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
