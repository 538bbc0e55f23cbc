"""Events of accounts."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class ChannelConnected:
    """An account can be used; `subject_id` is the channel."""

    kind: ClassVar[str] = "channel.connected"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
