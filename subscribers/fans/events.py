"""Events of fans: opt-outs and erasures."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class FanOptedOut:
    """Fact: a fan opted out of offers or of all messages."""

    kind: ClassVar[str] = "fan.opted_out"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FanErased:
    """Fact: a fan was erased."""

    kind: ClassVar[str] = "fan.erased"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
