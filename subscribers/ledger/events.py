"""Event of the ledger: sales that members are notified of."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SalesBooked:
    """Sales of a creator were booked on a day of their time zone. The subject is the creator."""

    kind: ClassVar[str] = "sales.booked"
    queue: ClassVar[outbox.Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
    day: date
