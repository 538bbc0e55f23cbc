"""Event of metrics: the copies of a published post must be verified."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class DeliveryVerificationDue:
    """Verify that the copies of the delivery `subject_id` are live with the marks they were sent
    with."""

    kind: ClassVar[str] = "delivery.verify"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
