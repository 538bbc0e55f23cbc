"""Events of orders: offers that expire, packs to deliver, unlock or refund."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class OfferExpire:
    """The price an order was promised has run out. The subject is the order."""

    kind: ClassVar[str] = "offer.expire"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class UnlockCheckDue:
    """See whether the locked message of an order was bought. The subject is the order."""

    kind: ClassVar[str] = "order.look"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderFulfil:
    """Push a paid pack, once. The subject is the fulfilment; lane `chat:<conversation>`, ahead of
    messages."""

    kind: ClassVar[str] = "order.fulfil"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderRefund:
    """Give a payment back. The subject is the payment; lane `order:<order>`."""

    kind: ClassVar[str] = "order.refund"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class PackRecalled:
    """A copy has to go, perhaps one that somebody paid for; `subject_id` is the jti of its
    permit."""

    kind: ClassVar[str] = "order.recall"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderRefunded:
    """Fact: the money of an order went back, its reversal is in the ledger."""

    kind: ClassVar[str] = "order.refunded"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionRefunded:
    """Fact: the money of a month went back, its reversal is in the ledger. The subject is the
    payment."""

    kind: ClassVar[str] = "subscription.refunded"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
