"""Events of subscriptions: renewals, endings, and access to a channel to update."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class SubscriptionStop:
    """Stop the renewal of a subscription at its platform.

    `payer` is the platform's ID of a fan who is being erased and is stored nowhere else.
    `charge_id` is set if another renewal than the current one is to be stopped; its result does not
    change the subscription.
    """

    kind: ClassVar[str] = "subscription.stop"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    payer: str = ""
    charge_id: str = ""


@dataclass(frozen=True)
class SubscriptionNear:
    """A cancelled subscription ends soon: remind its fan."""

    kind: ClassVar[str] = "subscription.near"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionEnd:
    """The paid period of a subscription is over, unless another month was paid."""

    kind: ClassVar[str] = "subscription.end"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RoleCheckDue:
    """The age proof or subscription of the reader `user_id` changed. The subject is the record that
    changed."""

    kind: ClassVar[str] = "role.wanted"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str
