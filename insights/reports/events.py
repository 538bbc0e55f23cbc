"""Events of scheduled reports."""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar
from uuid import UUID

from foundation.outbox.outbox import Queue


@dataclass(frozen=True)
class ReportDue:
    """Create the report of a period; the subject is the schedule. `send` is False for a period that
    was missed before a later one."""

    kind: ClassVar[str] = "report.create"
    queue: ClassVar[Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    first: date
    last: date
    send: bool = True


@dataclass(frozen=True)
class ReportDeliveryDue:
    """Send a report to one recipient; the subject is the delivery."""

    kind: ClassVar[str] = "report.send"
    queue: ClassVar[Queue] = "notify"
    tenant_id: UUID
    subject_id: UUID
