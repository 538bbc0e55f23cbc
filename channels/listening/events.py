"""Event of listening: a webhook subscription that is due for an update."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class WebhookSubscriptionDue:
    """Subscribe to webhooks for the account `subject_id`, or unsubscribe."""

    kind: ClassVar[str] = "channel.calls"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
