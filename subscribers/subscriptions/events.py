"""Events of subscriptions: renewals, endings, and access to a channel to update."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SubscriptionStop:
    """Have a platform take no further month of a subscription. `payer` is its platform's name of a
    fan whom we are forgetting: nothing else of the house knows it any more. `charge_id` is that of
    what its platform may still take though it is over here, or was begun beside it: whatever comes
    of that changes nothing of it."""

    kind: ClassVar[str] = "subscription.stop"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    payer: str = ""
    charge_id: str = ""


@dataclass(frozen=True)
class SubscriptionNear:
    """A subscription that is not renewed ends soon: its fan is told."""

    kind: ClassVar[str] = "subscription.near"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionEnd:
    """The paid time of a subscription is over, unless another month came."""

    kind: ClassVar[str] = "subscription.end"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RoleCheckDue:
    """What is known of the age of the reader `user_id` of a platform changed; the subject is the
    gate's record."""

    kind: ClassVar[str] = "role.wanted"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
