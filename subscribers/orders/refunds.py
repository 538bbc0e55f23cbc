"""Money on its way back: asked once, asked of the rail until it says so, and mirrored in the
ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, assert_never
from uuid import UUID

from sqlmodel import select

from channels.attempts import retry_delays
from channels.sending.account_actions import LookUpRefund
from connectors.contract.balance import SupportsBalance
from connectors.contract.chats import ChatConnector
from connectors.contract.connector import Send, StepResult, WireStep
from connectors.contract.outcomes import (
    Disconnected,
    Outcome,
    Processing,
    Published,
    Reauthorize,
    Rejected,
    Retry,
    Uncertain,
)
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.outbox import outbox
from gate.contract.units import Subject
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.states import ORDER_STATES, REFUND_STATES
from subscribers.fans import directory
from subscribers.ledger import entries
from subscribers.orders import charges, order_rows, rail_movements
from subscribers.orders.events import OrderRefund, OrderRefunded, SubscriptionRefunded
from subscribers.orders.models import Payment, Refund
from subscribers.orders.states import FulfilmentState, OrderState, RefundState
from subscribers.rails import installed_rails
from subscribers.rails.price_text import format_price
from subscribers.subscriptions import subscription_rows
from tenants.notices import notices

AGAIN = timedelta(seconds=30)
"""A rail whose answer was lost is asked again: what was given back already is a success."""

RECALL_ACTOR = "system:recall"
"""Who asks for refunds of what was taken back: then the fan reads that, and not only that money
went back."""

AT_PLATFORM = "refund.at_platform"
"""Why no rail is asked: the platform took the money by itself."""

FORGOTTEN = "refund.forgotten"
"""Why no rail is asked: nobody knows any more whose money it was."""

REST = timedelta(minutes=5)
"""Before a rail that refuses our token is asked again."""


@dataclass(frozen=True)
class RailRefundCall:
    """What to ask of the rail."""

    tenant_id: UUID
    payment_id: UUID
    channel_id: UUID
    charge_id: str
    payer: str
    money: Money
    start: int = 0
    """The place in the rail's list from which on it may have gone back."""

    @property
    def subject(self) -> Subject:
        """What the attempts of a refund are about."""
        return Subject("refund", self.payment_id)

    def step(self, rail: ChatConnector) -> WireStep:
        """The request that gives the money back."""
        return rail.refund(self.charge_id, self.payer, self.money.minor, self.money.currency)

    def seen(self, rail: ChatConnector, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
        """Whether an earlier try gave it back."""
        if isinstance(rail, SupportsBalance):
            return rail.look_up_refund_from(self.charge_id, self.start, answers)
        return rail.look_up_refund(self.charge_id, answers)


class CallRailRefund(Protocol):
    """`channels.sending.account_actions.refund_payment` with its collaborators bound."""

    def __call__(
        self,
        tenant_id: UUID,
        subject: Subject,
        channel_id: UUID,
        step: Callable[[ChatConnector], WireStep],
        *,
        seen: LookUpRefund | None = None,
    ) -> Outcome: ...


def request_refund(scope: Scope, payment_id: UUID, *, reason: Message) -> None:
    """Give a payment back; asked twice is once, one that failed is tried again. Raises NotFound.

    Where the platform took the money by itself, it alone gives it back: a person asks it there.
    """
    payment = _get_payment(scope, payment_id)
    if not _record_request(scope, payment, reason):
        return
    if payment.rail in installed_rails.locked_rail_names():
        amount = format_price(Money(payment.amount_minor, payment.currency))
        _record_refusal(scope, payment_id, Message(AT_PLATFORM, {"amount": amount}))
        return
    lane = f"order:{payment.order_id or payment_id}"
    outbox.put(scope, OrderRefund(scope.tenant_id, payment_id), lane=lane, priority=2)


def _record_request(scope: Scope, payment: Payment, reason: Message) -> bool:
    """Write down that a payment goes back; whether that is new."""
    new = scope.run(
        "INSERT INTO refunds (tenant_id, id, creator_id, payment_id, state, reason, by, tries)"
        " VALUES (:tenant, :id, :creator, :payment, 'asked', jsonb_build_object('code', "
        "CAST(:code AS text)),"
        " :by, 0) ON CONFLICT (tenant_id, payment_id) DO UPDATE SET state = 'asked', updated_at = "
        "house_now()"
        " WHERE refunds.state = 'failed'",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=payment.creator_id,
        payment=payment.id,
        code=reason.code,
        by=scope.actor,
    )
    if not new.rowcount:
        return False
    if payment.kind == "matched" and payment.order_id is not None:
        _move_order(scope, payment.order_id, OrderState.REFUND_PENDING, reason)
    return True


def is_refund_requested(scope: Scope, payment_id: UUID) -> bool:
    """Whether a payment was ever asked back, whatever came of it."""
    return _find_refund(scope, payment_id) is not None


def next_refund_request(scope: Scope, payment_id: UUID) -> RailRefundCall | timedelta | None:
    """The request to make; a wait while the pack is being pushed; None when there is nothing to
    give back."""
    refund = _find_refund(scope, payment_id)
    if refund is None or refund.state != RefundState.ASKED:
        return None
    pushing = scope.run(
        "SELECT 1 FROM fulfilments WHERE tenant_id = :tenant AND payment_id = :payment AND state "
        "= :sending",
        tenant=scope.tenant_id,
        payment=payment_id,
        sending=str(FulfilmentState.SENDING),
    ).scalar()
    if pushing:
        return AGAIN
    payment = _get_payment(scope, payment_id)
    money = Money(payment.amount_minor, payment.currency)
    if not payment.payer:
        _record_refusal(scope, payment_id, Message(FORGOTTEN, {"amount": format_price(money)}))
        return None
    refund.tries += 1
    scope.add(refund)
    start = rail_movements.reading_position(scope, payment.rail, payment.account)
    return RailRefundCall(
        scope.tenant_id,
        payment_id,
        payment.channel_id,
        payment.charge_id,
        payment.payer,
        money,
        start,
    )


def settle_refund(scope: Scope, payment_id: UUID, outcome: Outcome) -> timedelta | None:
    """Write what the rail said; how long to wait before it is asked again, None when it ended."""
    match outcome:
        case Published():
            _complete_refund(scope, payment_id)
            return None
        case Retry(after=after):
            refund = _find_refund(scope, payment_id)
            return retry_delays.retry_delay(
                after, refund.tries - 1 if refund is not None else 0, payment_id
            )
        case Uncertain() | Processing():
            return AGAIN
        case Reauthorize(reason=reason) | Disconnected(reason=reason):
            _notify_stuck(scope, payment_id, reason)
            return REST
        case Rejected(reason=reason):
            _record_refusal(scope, payment_id, reason)
            return None
        case _:
            assert_never(outcome)


def record_refund(scope: Scope, *, rail: str, account: str, charge_id: str) -> bool:
    """The rail says that a charge went back, by us or by itself: one reversal. Says whether we know
    the charge."""
    payment_id = scope.run(
        "SELECT id FROM payments WHERE tenant_id = :tenant AND rail = :rail AND account = :account"
        " AND charge_id = :charge",
        tenant=scope.tenant_id,
        rail=rail,
        account=account,
        charge=charge_id,
    ).scalar()
    if payment_id is None:
        return False
    payment = _get_payment(scope, payment_id)
    talk = _find_conversation(scope, payment)
    if talk is not None:
        conversation_rows.lock_conversation(
            scope, talk
        )  # before the refund that `ask` locks: our own settling holds them in this order
    _record_request(scope, payment, Message("refund.by_platform"))
    _complete_refund(scope, payment_id)
    return True


def _complete_refund(scope: Scope, payment_id: UUID) -> None:
    """The money is back: reversal, entitlement, order, fact and a word to the fan, once."""
    payment = _get_payment(scope, payment_id)
    talk = _find_conversation(scope, payment)
    locked = (
        conversation_rows.lock_conversation(scope, talk) if talk is not None else None
    )  # the order of locks: conversation, then money
    refund = _find_refund(scope, payment_id)
    if refund is None or refund.state == RefundState.DONE:
        return
    REFUND_STATES.check(RefundState(refund.state), RefundState.DONE)
    refund.state = str(RefundState.DONE)
    refund.done_at = scope.now
    scope.add(refund)
    outbox.cancel(scope, OrderRefund.kind, payment_id)
    notices.close(scope, _refund_cause(payment_id))
    notices.close(scope, charges.unmatched_payment_cause(payment_id))
    entries.reverse_payment(scope, payment_id, at=scope.now)
    scope.run(
        "UPDATE entitlements SET state = 'revoked', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND payment_id = :payment",
        tenant=scope.tenant_id,
        payment=payment_id,
    )
    if payment.kind == "matched" and payment.order_id is not None:
        _move_order(scope, payment.order_id, OrderState.REFUNDED, Message("refund.done"))
        outgoing_messages.cancel_order_drafts(scope, payment.order_id, Message("refund.done"))
        outbox.put(scope, OrderRefunded(scope.tenant_id, payment.order_id))
    month = subscription_rows.subscription_of_payment(scope, payment_id)
    if month is not None:
        subscription_rows.record_month_refunded(scope, month.id)
        outbox.put(scope, SubscriptionRefunded(scope.tenant_id, payment_id))
    if locked is not None:
        outgoing_messages.send_automated_message(
            scope, locked, _compose_receipt(scope, payment, refund, "service.receipt.refunded")
        )
    if payment.fan_id is not None:
        directory.rebuild_facts(scope, payment.fan_id)
    _forget_payer(scope, payment_id)


def _forget_payer(scope: Scope, payment_id: UUID) -> None:
    """Who paid was forgotten meanwhile: nothing needs their platform's name of them any more."""
    scope.session.flush()
    scope.run(
        "UPDATE payments p SET payer = '' WHERE p.tenant_id = :tenant AND p.id = :id AND NOT "
        "EXISTS (SELECT FROM"
        " fan_identities i WHERE i.tenant_id = p.tenant_id AND i.channel_id = p.channel_id AND "
        "i.native_id = p.payer)",
        tenant=scope.tenant_id,
        id=payment_id,
    )


def _compose_receipt(scope: Scope, payment: Payment, refund: Refund, otherwise: str) -> Message:
    """What a fan reads of their money; where a pack was taken back, that too."""
    amount = format_price(Money(payment.amount_minor, payment.currency))
    if refund.by != RECALL_ACTOR or payment.order_id is None:
        return Message(otherwise, {"amount": amount})
    title = outgoing_messages.template_value(order_rows.get_order(scope, payment.order_id).title)
    code = (
        "service.receipt.recalled" if refund.state == RefundState.DONE else "service.receipt.owed"
    )
    return Message(code, {"amount": amount, "title": title})


def _refund_cause(payment_id: UUID) -> str:
    return f"payment:{payment_id}:refund"


def _move_order(scope: Scope, order_id: UUID, after: OrderState, reason: Message) -> None:
    order = order_rows.get_order(scope, order_id, lock=True)
    if ORDER_STATES.allows(OrderState(order.state), after):
        order_rows.transition_order(scope, order, after, reason)


def _find_conversation(scope: Scope, payment: Payment) -> UUID | None:
    if payment.kind == "orphan":
        return None
    if payment.order_id is None:
        month = subscription_rows.subscription_of_payment(scope, payment.id)
        return month.conversation_id if month is not None else None
    return order_rows.get_order(scope, payment.order_id).conversation_id


def _record_refusal(scope: Scope, payment_id: UUID, reason: Message) -> None:
    refund = _find_refund(scope, payment_id)
    if refund is None or refund.state != RefundState.ASKED:
        return
    first = refund.by == RECALL_ACTOR and (refund.reason or {}).get("code") == "refund.recalled"
    refund.state = str(RefundState.FAILED)
    refund.reason = stored_message(reason)
    scope.add(refund)
    _notify_stuck(scope, payment_id, reason)
    payment = _get_payment(scope, payment_id)
    if payment.kind != "orphan":  # which a person may still give back, whoever it was
        _forget_payer(scope, payment_id)
    talk = _find_conversation(scope, payment)
    if first and talk is not None:  # once: what the rail said stands in its place from now on
        outgoing_messages.send_automated_message(
            scope,
            conversation_rows.get_conversation(scope, talk),
            _compose_receipt(scope, payment, refund, ""),
        )


def _notify_stuck(scope: Scope, payment_id: UUID, reason: Message) -> None:
    payment = _get_payment(scope, payment_id)
    amount = format_price(Money(payment.amount_minor, payment.currency))
    stuck = Message("refund.stuck", {"amount": amount, "reason": reason.code})
    message = reason if reason.code in (AT_PLATFORM, FORGOTTEN) else stuck
    notices.put(
        scope, message, cause=_refund_cause(payment_id), urgent=True, creator_id=payment.creator_id
    )


def lock_unmatched_payment(scope: Scope, payment_id: UUID) -> Payment:
    """A payment, locked, whose order a member names. Raises NotFound, Conflict when its money is on
    its way back."""
    row = _get_payment(scope, payment_id, lock=True)
    if _find_refund(scope, payment_id) is not None:
        raise Conflict("payment.not_settled")
    return row


def _get_payment(scope: Scope, payment_id: UUID, *, lock: bool = False) -> Payment:
    named = (scope.tenant_id, payment_id)
    row = scope.session.get(Payment, named, populate_existing=True, with_for_update=lock or None)
    if row is None:
        raise NotFound("payment.unknown")
    return row


def _find_refund(scope: Scope, payment_id: UUID) -> Refund | None:
    return scope.session.exec(
        select(Refund)
        .where(Refund.tenant_id == scope.tenant_id, Refund.payment_id == payment_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
