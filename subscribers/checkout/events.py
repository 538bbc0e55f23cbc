"""Events of checkout: payments to settle, platform earnings, and what was paid."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PaymentSettle:
    """A member says which order an unmatched payment belongs to. The subject is the payment."""

    kind: ClassVar[str] = "payment.settle"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    order_id: UUID
    by: str


@dataclass(frozen=True)
class EarningListed:
    """A platform's list of earnings names the locked message `native_id` of an order: paid `at`
    (ISO 8601), and, where it went `back`, paid back."""

    kind: ClassVar[str] = "order.earned"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    native_id: str
    at: str
    back: bool


@dataclass(frozen=True)
class EarningsDue:
    """Ask what an account earned on its platform, of late alone or, now and then, weeks back; the
    subject is the channel."""

    kind: ClassVar[str] = "earnings.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    lately: bool = False


@dataclass(frozen=True)
class RailReconcile:
    """Compare what a platform lists of an account's money with the books; the subject is the
    channel."""

    kind: ClassVar[str] = "rail.reconcile"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderPaid:
    """Fact: an order is paid, its sale is in the ledger."""

    kind: ClassVar[str] = "order.paid"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionPaid:
    """Fact: a month of a subscription is paid, its sale is in the ledger. The subject is the
    payment."""

    kind: ClassVar[str] = "subscription.paid"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
