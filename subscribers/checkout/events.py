"""Events of checkout: payments to assign, earnings and rails to read, and paid orders and
subscriptions."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from foundation.outbox import outbox


@dataclass(frozen=True)
class PaymentSettle:
    """A member assigned an unmatched payment to an order. The subject is the payment."""

    kind: ClassVar[str] = "payment.settle"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    order_id: UUID
    by: str


@dataclass(frozen=True)
class EarningListed:
    """A platform's list of earnings contains the locked message `native_id` of an order.

    It was paid `at` (ISO 8601); `back` is True if it was also refunded.
    """

    kind: ClassVar[str] = "order.earned"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    native_id: str
    at: str
    back: bool


@dataclass(frozen=True)
class EarningsDue:
    """Read the earnings of an account. The subject is the channel.

    With `lately`, read only new earnings and do not repeat those of the last weeks.
    """

    kind: ClassVar[str] = "earnings.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    lately: bool = False


@dataclass(frozen=True)
class RailReconcile:
    """Compare a platform's list of an account's movements with the ledger. The subject is the
    channel."""

    kind: ClassVar[str] = "rail.reconcile"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class OrderPaid:
    """Fact: an order is paid and its sale is in the ledger."""

    kind: ClassVar[str] = "order.paid"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionPaid:
    """Fact: a month of a subscription is paid and its sale is in the ledger. The subject is the
    payment."""

    kind: ClassVar[str] = "subscription.paid"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID
