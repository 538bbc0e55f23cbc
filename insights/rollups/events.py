"""Event of rollups."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SaleRecorded:
    """Rebuild the days of a sale. Follows `order.paid` and `order.refunded`, with the order as
    subject, and `subscription.paid` and `subscription.refunded`, with the payment as subject."""

    kind: ClassVar[str] = "sale.seen"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
