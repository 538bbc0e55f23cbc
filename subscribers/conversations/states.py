"""State graphs of conversations, drafts, orders, fulfilments, subscriptions and refunds, as data
for code, tests and pages."""

from datetime import timedelta
from enum import StrEnum

from foundation.state_graphs import StateDeadline, StateGraph
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.subscriptions.states import SubscriptionState


class OwnerState(StrEnum):
    """Owners of a conversation; exactly one of them answers."""

    BOT = "bot"
    PENDING_HUMAN = "pending_human"
    HUMAN = "human"
    CLOSED = "closed"


class DraftState(StrEnum):
    """States of an outgoing chat message."""

    PENDING = "pending"  # being generated
    DRAFT = "draft"  # pending approval
    APPROVED = "approved"  # approved by a member or a rule
    AUTO = "auto"
    SENDING = "sending"  # permit consumed and committed before the request
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"  # resolved only by a lookup or a member
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Sentiment(StrEnum):
    """Estimated sentiments of a message or comment."""

    POSITIVE = "positive"
    NEUTRAL = "neutral"
    NEGATIVE = "negative"
    UNCLEAR = "unclear"  # below the minimum probability
    UNKNOWN = "unknown"  # in a language that is not analysed


O = OwnerState  # noqa: E741 one-letter names for the graphs
D = DraftState
F = FulfilmentState
B = OrderState
R = RefundState

OWNER_STATES = StateGraph(
    initial=O.BOT,
    edges={
        O.BOT: {O.PENDING_HUMAN, O.HUMAN, O.CLOSED},
        O.PENDING_HUMAN: {O.HUMAN, O.BOT, O.CLOSED},
        O.HUMAN: {O.HUMAN, O.BOT, O.CLOSED},  # another member takes over
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
        # Reached if a worker crashed during the request.
        D.SENDING: StateDeadline(timedelta(seconds=50), then=D.UNCERTAIN),
    },
)

ORDER_STATES = StateGraph(
    initial=B.OPEN,
    edges={
        B.OPEN: {B.INVOICED, B.CANCELLED},
        B.INVOICED: {B.CHECKOUT, B.PAID, B.EXPIRED, B.CANCELLED, B.REFUSED},
        B.CHECKOUT: {B.CHECKOUT, B.PAID, B.EXPIRED, B.CANCELLED, B.REFUSED},
        B.EXPIRED: {B.PAID},  # a payment that arrived is never refused
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
        # Back to active if a month is charged after all: a payment that arrived is never refused.
        _S.STOPPED: {_S.ACTIVE, _S.ENDED},
        _S.ENDED: {_S.OFFERED, _S.ACTIVE},
    },
)

REFUND_STATES = StateGraph(
    initial=R.ASKED, edges={R.ASKED: {R.DONE, R.FAILED}, R.FAILED: {R.ASKED, R.DONE}}
)

AWAITING_ORDER_STATES = frozenset({B.OPEN, B.INVOICED, B.CHECKOUT})
"""States in which the fan may still pay."""

UNPAID_ORDER_STATES = AWAITING_ORDER_STATES | {B.EXPIRED, B.CANCELLED, B.REFUSED}
"""States from which a payment moves an order to `paid`; in any other state the payment is a
duplicate."""

PAYABLE_ORDER_STATES = frozenset({B.INVOICED, B.CHECKOUT})
UNSENT = (D.PENDING, D.DRAFT, D.APPROVED, D.AUTO)
