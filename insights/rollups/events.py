"""Event of rollups: a sale was recorded."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SaleRecorded:
    """Listener of `order.paid` and `order.refunded`, whose subject is the order, and of
    `subscription.paid` and `subscription.refunded`, whose subject is the payment: its day is rolled
    up again."""

    kind: ClassVar[str] = "sale.seen"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
