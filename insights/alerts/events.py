"""Event of alerts."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class AlertsDue:
    """Check the alert rules of an agency, which is the subject."""

    kind: ClassVar[str] = "alerts.check"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
