"""What conversations, drafts, orders and fulfilments may become: data, shared by code, tests and
pages."""

from datetime import timedelta
from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.subscriptions.states import SubscriptionState


class OwnerState(StrEnum):
    """Who answers a conversation: exactly one."""

    BOT = "bot"
    PENDING_HUMAN = "pending_human"
    HUMAN = "human"
    CLOSED = "closed"


class DraftState(StrEnum):
    """An outgoing chat message."""

    PENDING = "pending"  # being written
    DRAFT = "draft"  # waits for a person
    APPROVED = "approved"  # a person, or a rule, said yes
    AUTO = "auto"
    SENDING = "sending"  # permit consumed and committed before the call
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # only a look-up or a person may leave this state
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


O = OwnerState  # noqa: E741  names of one letter, for the graphs
D = DraftState
F = FulfilmentState
B = OrderState
R = RefundState

OWNER_STATES = StateGraph(
    initial=O.BOT,
    edges={
        O.BOT: {O.PENDING_HUMAN, O.HUMAN, O.CLOSED},
        O.PENDING_HUMAN: {O.HUMAN, O.BOT, O.CLOSED},
        O.HUMAN: {O.HUMAN, O.BOT, O.CLOSED},  # a colleague takes it over
        O.CLOSED: {O.BOT, O.PENDING_HUMAN},
    },
)

DRAFT_STATES = StateGraph(
    initial=D.PENDING,
    edges={
        D.PENDING: {D.DRAFT, D.AUTO, D.CANCELLED},
        D.DRAFT: {D.APPROVED, D.REJECTED, D.EXPIRED, D.CANCELLED},
        D.APPROVED: {D.SENDING, D.DRAFT, D.FAILED, D.EXPIRED, D.CANCELLED},
        D.AUTO: {D.SENDING, D.DRAFT, D.FAILED, D.EXPIRED, D.CANCELLED},
        D.SENDING: {D.SENT, D.APPROVED, D.AUTO, D.FAILED, D.UNCERTAIN},
        D.UNCERTAIN: {D.SENT, D.APPROVED, D.AUTO, D.CANCELLED},
    },
    deadlines={
        D.AUTO: StateDeadline(timedelta(minutes=30), then=D.EXPIRED),
        D.APPROVED: StateDeadline(timedelta(minutes=30), then=D.EXPIRED),
        D.SENDING: StateDeadline(timedelta(seconds=50), then=D.UNCERTAIN),  # a crash in mid-call
    },
)

ORDER_STATES = StateGraph(
    initial=B.OPEN,
    edges={
        B.OPEN: {B.INVOICED, B.CANCELLED},
        B.INVOICED: {B.CHECKOUT, B.PAID, B.EXPIRED, B.CANCELLED, B.REFUSED},
        B.CHECKOUT: {B.CHECKOUT, B.PAID, B.EXPIRED, B.CANCELLED, B.REFUSED},
        B.EXPIRED: {B.PAID},  # money that came is never refused
        B.CANCELLED: {B.PAID},
        B.REFUSED: {B.PAID},
        B.PAID: {B.FULFILLING, B.FULFILLED, B.REFUND_PENDING, B.REFUNDED, B.DISPUTED},
        B.FULFILLING: {B.FULFILLED, B.PAID, B.REFUND_PENDING, B.REFUNDED, B.DISPUTED},
        B.FULFILLED: {B.REFUND_PENDING, B.REFUNDED, B.DISPUTED},
        B.REFUND_PENDING: {B.REFUNDED, B.DISPUTED},
        B.DISPUTED: {B.REFUNDED},
    },
    deadlines={B.INVOICED: StateDeadline(timedelta(minutes=30), then=B.EXPIRED)},
)

FULFILMENT_STATES = StateGraph(
    initial=F.WAITING,
    edges={
        F.WAITING: {F.SENDING, F.REFUSED, F.FAILED},
        F.SENDING: {F.DELIVERED, F.WAITING, F.FAILED, F.REFUSED, F.UNCERTAIN},
        F.UNCERTAIN: {F.DELIVERED, F.WAITING},
        F.FAILED: {F.WAITING, F.DELIVERED},
    },
    deadlines={F.SENDING: StateDeadline(timedelta(seconds=50), then=F.UNCERTAIN)},
)

_S = SubscriptionState
SUBSCRIPTION_STATES = StateGraph(
    initial=_S.OFFERED,
    edges={
        _S.OFFERED: {_S.ACTIVE},
        _S.ACTIVE: {_S.STOPPED, _S.ENDED},
        _S.STOPPED: {
            _S.ACTIVE,
            _S.ENDED,
        },  # it is taken all the same: money that came is never refused
        _S.ENDED: {_S.OFFERED, _S.ACTIVE},
    },
)

REFUND_STATES = StateGraph(
    initial=R.ASKED, edges={R.ASKED: {R.DONE, R.FAILED}, R.FAILED: {R.ASKED, R.DONE}}
)

UNPAID_ORDER_STATES = frozenset({B.OPEN, B.INVOICED, B.CHECKOUT, B.EXPIRED, B.CANCELLED, B.REFUSED})
"""Orders that a payment moves to `paid`; on any other the payment is a duplicate."""

PAYABLE_ORDER_STATES = frozenset({B.INVOICED, B.CHECKOUT})
UNSENT = (D.PENDING, D.DRAFT, D.APPROVED, D.AUTO)
