"""Events of orders: offers that expire, packs to deliver, unlock or refund."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class OfferExpire:
    """The price of an order expires. The subject is the order."""

    kind: ClassVar[str] = "offer.expire"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class UnlockCheckDue:
    """Check whether the locked message of an order was bought. The subject is the order."""

    kind: ClassVar[str] = "order.look"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderFulfil:
    """Send a paid pack, at most once. The subject is the fulfilment.

    Lane `chat:<conversation>`, with priority over messages.
    """

    kind: ClassVar[str] = "order.fulfil"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderRefund:
    """Refund a payment. The subject is the payment; lane `order:<order>`."""

    kind: ClassVar[str] = "order.refund"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PackRecalled:
    """A live copy must be removed, possibly one that a fan paid for. The subject is the jti of its
    permit."""

    kind: ClassVar[str] = "order.recall"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderRefunded:
    """Fact: an order was refunded and its reversal is in the ledger."""

    kind: ClassVar[str] = "order.refunded"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionRefunded:
    """Fact: a paid month was refunded and its reversal is in the ledger. The subject is the
    payment."""

    kind: ClassVar[str] = "subscription.refunded"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
