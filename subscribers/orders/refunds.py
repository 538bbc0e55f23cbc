"""Refunds: requested once, retried at the rail until it confirms, and mirrored in the ledger."""

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
"""Delay before a rail is retried after a lost response. A charge that is already refunded counts as
success."""

RECALL_ACTOR = "system:recall"
"""The actor of refunds for recalled packs. The fan's message then also names the recall."""

AT_PLATFORM = "refund.at_platform"
"""Reason code if the rail is not called because the platform charged the fan itself."""

FORGOTTEN = "refund.forgotten"
"""Reason code if the rail is not called because the payer's identity was erased."""

REST = timedelta(minutes=5)
"""Delay before a rail that rejects the token is retried."""


@dataclass(frozen=True)
class RailRefundCall:
    """The data of one refund request to a rail."""

    tenant_id: UUID
    payment_id: UUID
    channel_id: UUID
    charge_id: str
    payer: str
    money: Money
    start: int = 0
    """Position in the rail's list at which the search for an earlier refund starts."""

    @property
    def subject(self) -> Subject:
        """The subject under which the attempts of this refund are recorded."""
        return Subject("refund", self.payment_id)

    def step(self, rail: ChatConnector) -> WireStep:
        """Return the request that refunds the charge."""
        return rail.refund(self.charge_id, self.payer, self.money.minor, self.money.currency)

    def seen(self, rail: ChatConnector, answers: tuple[StepResult, ...]) -> Send | Outcome | None:
        """Return the outcome of an earlier attempt, or the next lookup request, or None."""
        if isinstance(rail, SupportsBalance):
            return rail.look_up_refund_from(self.charge_id, self.start, answers)
        return rail.look_up_refund(self.charge_id, answers)


class CallRailRefund(Protocol):
    """The signature of `channels.sending.account_actions.refund_payment` with its collaborators
    bound."""

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
    """Request the refund of a payment. Raises NotFound.

    A second request is ignored; a failed refund is tried again. If the platform charges fans
    itself, only the platform can refund: the refund fails at once and members are notified.
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
    """Record the request. Return True if it is new, or repeats a failed one."""
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
    """Return True if a refund was ever requested, whatever its result."""
    return _find_refund(scope, payment_id) is not None


def next_refund_request(scope: Scope, payment_id: UUID) -> RailRefundCall | timedelta | None:
    """Return the request to send, a delay while the pack is being sent, or None if there is nothing
    to refund.

    Each returned request counts as an attempt.
    """
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
    """Record the outcome of a refund request. Return the delay before the next try, or None if the
    refund ended."""
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
    """Record that the rail refunded a charge, at our request or on its own. Return False if the
    charge is unknown."""
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
        # Lock order: conversation before refund, as in `_complete_refund`.
        conversation_rows.lock_conversation(scope, talk)
    _record_request(scope, payment, Message("refund.by_platform"))
    _complete_refund(scope, payment_id)
    return True


def _complete_refund(scope: Scope, payment_id: UUID) -> None:
    """Complete a refund once: reversal, entitlement, order, fact event and a message to the fan."""
    payment = _get_payment(scope, payment_id)
    talk = _find_conversation(scope, payment)
    # Lock order: conversation before refund.
    locked = conversation_rows.lock_conversation(scope, talk) if talk is not None else None
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
    amount = format_price(Money(payment.amount_minor, payment.currency))
    notices.put(
        scope,
        Message("refund.notice", {"amount": amount}),
        cause=f"refund:{payment_id}",
        creator_id=payment.creator_id,
        informs=True,
    )
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
    """Clear the payer's platform ID if the fan was erased in the meantime."""
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
    """Return the fan's message about the refund; for a recalled pack it names the recall."""
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
    # Keep the payer of an orphan payment: a member may still refund it.
    if payment.kind != "orphan":
        _forget_payer(scope, payment_id)
    talk = _find_conversation(scope, payment)
    # Only the first failure notifies the fan; the stored reason then becomes the rail's refusal.
    if first and talk is not None:
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
    """Return a payment that a member matches to an order, locked. Raises NotFound, or Conflict if a
    refund was requested."""
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
