"""The room's event kinds and facts; their handlers are in `subscribers/intake/handlers.py`."""

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from foundation.outbox import outbox

Carried = Literal["draft", "fulfilment"]


@dataclass(frozen=True)
class ChatTurn:
    """A conversation waits for the model's answer. Lane `turn:<conversation>`, which it holds: while the model thinks,
    receipts and helplines leave."""

    kind: ClassVar[str] = "chat.turn"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatSend:
    """A draft may leave. Lane `chat:<conversation>`, which it holds: message 2 never overtakes message 1."""

    kind: ClassVar[str] = "chat.send"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatReconcile:
    """Find out what became of a draft or a fulfilment whose answer is missing."""

    kind: ClassVar[str] = "chat.reconcile"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    what: Carried


@dataclass(frozen=True)
class UncertainMessageResolved:
    """A member looked for a message in doubt: it arrived, or it did not. `by` is `member:<id>`."""

    kind: ClassVar[str] = "chat.settle"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    arrived: bool
    by: str


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
class EarningListed:
    """A platform's list of earnings names the locked message `native_id` of an order: paid `at` (ISO 8601), and, where
    it went `back`, paid back."""

    kind: ClassVar[str] = "order.earned"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    native_id: str
    at: str
    back: bool


@dataclass(frozen=True)
class OrderFulfil:
    """Push a paid pack, once. The subject is the fulfilment; lane `chat:<conversation>`, ahead of messages."""

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
class SubscriptionStop:
    """Have a platform take no further month of a subscription. `payer` is its platform's name of a fan whom we are
    forgetting: nothing else of the house knows it any more. `charge_id` is that of what its platform may still take
    though it is over here, or was begun beside it: whatever comes of that changes nothing of it."""

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
class PackRecalled:
    """A copy has to go, perhaps one that somebody paid for; `subject_id` is the jti of its permit."""

    kind: ClassVar[str] = "order.recall"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class AgeCheckAnswered:
    """A fan's check of age has its end (`age.answered`): tell them in the chat they asked for it in."""

    kind: ClassVar[str] = "chat.age"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    channel_id: UUID
    user_id: str
    state: str


@dataclass(frozen=True)
class CommentsDue:
    """Ask the account `subject_id` what people said under its posts."""

    kind: ClassVar[str] = "remarks.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class EarningsDue:
    """Ask what an account earned on its platform, of late alone or, now and then, weeks back; the subject is the
    channel."""

    kind: ClassVar[str] = "earnings.read"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
    lately: bool = False


@dataclass(frozen=True)
class RailReconcile:
    """Compare what a platform lists of an account's money with the books; the subject is the channel."""

    kind: ClassVar[str] = "rail.reconcile"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class CommentModerationDue:
    """A member wants something done with the remark `subject_id`: hide, show, delete, block or report."""

    kind: ClassVar[str] = "remark.moderate"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    act: str
    by: str


@dataclass(frozen=True)
class CommentAnswerDue:
    """A member wants words for an answer to the remark `subject_id`, `most` characters of them."""

    kind: ClassVar[str] = "remark.suggest"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    member_id: UUID
    most: int


@dataclass(frozen=True)
class OrderPaid:
    """Fact: an order is paid, its sale is in the ledger."""

    kind: ClassVar[str] = "order.paid"
    queue: ClassVar[outbox.Queue] = "facts"
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
class SubscriptionPaid:
    """Fact: a month of a subscription is paid, its sale is in the ledger. The subject is the payment."""

    kind: ClassVar[str] = "subscription.paid"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class SubscriptionRefunded:
    """Fact: the money of a month went back, its reversal is in the ledger. The subject is the payment."""

    kind: ClassVar[str] = "subscription.refunded"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FanOptedOut:
    """Fact: a fan wants no offers any more, or nothing at all."""

    kind: ClassVar[str] = "fan.opted_out"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class FanErased:
    """Fact: a fan is forgotten."""

    kind: ClassVar[str] = "fan.erased"
    queue: ClassVar[outbox.Queue] = "facts"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class RoleCheckDue:
    """What is known of the age of the reader `user_id` of a platform changed; the subject is the gate's record."""

    kind: ClassVar[str] = "role.wanted"
    queue: ClassVar[outbox.Queue] = "urgent"
    tenant_id: UUID
    subject_id: UUID
    platform: str
    user_id: str


@dataclass(frozen=True)
class RolesDue:
    """Compare who bears a role of proven age with whose proof stands; the subject is the tenant, or the account that
    was just connected."""

    kind: ClassVar[str] = "roles.due"
    queue: ClassVar[outbox.Queue] = "make"
    tenant_id: UUID
    subject_id: UUID
