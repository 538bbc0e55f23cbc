"""Payments of orders: acceptance, invoice, checkout query and charge. Only a charge pays an order;
an invoice never does."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.outbox import outbox
from gate.contract.units import Invoice, Rating, Subject
from gate.permits import issuance
from gate.viewers import age_assurance
from studio.packs import packs
from studio.packs.packs import PackView
from subscribers.catalog import offers
from subscribers.checkout import monthly_payments
from subscribers.checkout.events import OrderPaid, PaymentSettle
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import Conversation, Draft
from subscribers.conversations.states import PAYABLE_ORDER_STATES, UNPAID_ORDER_STATES, DraftState
from subscribers.delivery import message_delivery, pack_delivery
from subscribers.fans import directory
from subscribers.ledger import entries, month_close
from subscribers.orders import charges, locked_messages, order_rows, refunds
from subscribers.orders.charges import CHECKOUT_WINDOW, PAYER_MISMATCH, ChargeKind
from subscribers.orders.events import OfferExpire, OrderFulfil, UnlockCheckDue
from subscribers.orders.models import Entitlement, Fulfilment, Order
from subscribers.orders.states import FulfilmentState, OrderState
from subscribers.rails.contract import (
    PAID_MEDIA_PRODUCT,
    CheckoutQuery,
    PaymentFact,
    PaymentRail,
    RailTill,
)
from subscribers.rails.price_text import format_price
from tenants.notices import notices


@dataclass(frozen=True)
class PaymentAllowed:
    """The payment may proceed. It does not promise delivery."""


@dataclass(frozen=True)
class PaymentRefused:
    """The payment is refused; `reason` is shown to the fan."""

    reason: Message


def accept_offer(
    scope: Scope, talk: Conversation, offer_id: UUID, rail: PaymentRail
) -> Order | None:
    """Create the order at the offered price and send its invoice, valid for the rail's `life`.

    Return None if nothing may be sold to the fan now, the fan owns the pack, or an order for it is
    open. Raises NotFound if the offer expired or belongs to another fan.
    """
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    shown = offers.get_shown_offer(scope, offer_id, talk.fan_id)
    if (
        not fan.may_be_sold_to
        or talk.safety_hold
        or order_rows.has_pack(scope, fan.fan_id, shown.pack_id)
    ):
        return None
    if order_rows.has_open_order(scope, fan.fan_id, shown.pack_id):
        return None
    order = order_rows.create_order(scope, talk, shown, rail.life)
    offers.mark_offer_accepted(scope, offer_id)
    _send_invoice(scope, talk, order, rail)
    outbox.put(scope, OfferExpire(scope.tenant_id, order.id), at=order.expires_at)
    return order


def _send_invoice(scope: Scope, talk: Conversation, order: Order, rail: PaymentRail) -> None:
    pack = packs.get_pack(scope, order.pack_id)
    invoice = Invoice(
        title=order.title,
        description=pack.description or order.title,
        amount_minor=order.amount_minor,
        currency=order.currency,
        payload=rail.payload(scope.tenant_id, order.id),
    )
    state = DraftState.AUTO
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="auto",
        kind="invoice",
        state=state,
        invoice=invoice,
        order_id=order.id,
        text=order.title,
    )
    draft.expires_at = order.expires_at
    scope.add(draft)
    message_delivery.judge_message(scope, draft)
    outgoing_messages.schedule_message_draft(
        scope, draft, priority=outgoing_messages.PAYMENT_SEND_PRIORITY
    )


def expire_order(scope: Scope, order_id: UUID) -> None:
    """End the period in which an order can be paid. A payment that arrives later is still
    delivered."""
    order = order_rows.get_order(scope, order_id, lock=True)
    if order.state not in PAYABLE_ORDER_STATES:
        return
    order_rows.transition_order(scope, order, OrderState.EXPIRED)
    if order.way == locked_messages.LOCKED_KIND:
        # The check withdraws a message that was not bought.
        locked_messages.schedule_unlock_check(scope, order_id, scope.now)
    scope.run(
        "UPDATE offers SET state = 'expired', updated_at = house_now() WHERE tenant_id = :tenant "
        "AND id = :id"
        " AND state = 'accepted'",
        tenant=scope.tenant_id,
        id=order.offer_id,
    )


def answer_checkout_query(scope: Scope, query: CheckoutQuery) -> PaymentAllowed | PaymentRefused:
    """Decide whether a payment may proceed while the platform waits. Refuse in case of doubt.

    An allowed payment does not promise delivery.
    """
    if query.order_id is None:
        against = monthly_payments.monthly_payment_refusal(scope, query)
        return PaymentRefused(against) if against is not None else PaymentAllowed()
    try:
        order = order_rows.get_order(scope, query.order_id, lock=True)
        refusal = _find_refusal(scope, order, query)
    except NotFound:
        return PaymentRefused(Message("service.pay.unknown"))
    if refusal is not None:
        # On a mismatch the invoice was forwarded: the payer gets the refusal from the platform, and
        # the order's fan gets no message.
        if refusal != PAYER_MISMATCH:
            outgoing_messages.send_automated_message(
                scope, conversation_rows.get_conversation(scope, order.conversation_id), refusal
            )
        return PaymentRefused(refusal)
    order_rows.transition_order(scope, order, OrderState.CHECKOUT)
    order.checkout_at = scope.now
    scope.add(order)
    return PaymentAllowed()


def _find_refusal(scope: Scope, order: Order, query: CheckoutQuery) -> Message | None:
    """Return the first reason to refuse the payment, or None; the reasons most useful to the fan
    are checked first. Raises NotFound."""
    channel = queries.get_channel(scope, order.channel_id)
    fan = directory.get_fan_identity(scope, order.fan_id, order.channel_id)
    pack = packs.get_pack(scope, order.pack_id)
    if fan.native_id != query.payer or channel.id != query.till.channel_id:
        return PAYER_MISMATCH
    if order_rows.has_pack(scope, order.fan_id, order.pack_id) or order.state not in {
        *PAYABLE_ORDER_STATES,
        OrderState.EXPIRED,
    }:
        return Message("service.pay.owned")
    if order.state == OrderState.EXPIRED or order.expires_at <= scope.now:
        return Message("service.pay.expired")
    if query.money != Money(order.amount_minor, order.currency):
        return Message("service.pay.changed")
    if order.checkout_at is not None and scope.now - order.checkout_at < CHECKOUT_WINDOW:
        return Message("service.pay.running")
    if pack.state != "active" or pack.version != order.pack_version:
        return Message("service.pay.gone")
    grown_up = age_assurance.get_assurance(scope, channel.platform, fan.native_id).over_18
    if pack.rating.rank > Rating.S.rank and not grown_up:
        return Message("service.pay.age")
    held = conversation_rows.get_conversation(scope, order.conversation_id).safety_hold
    if (
        held
        or offers.is_payment_stopped(scope, fan)
        or not fan.may_be_sold_to
        or not is_pack_deliverable(scope, order, pack, fan)
    ):
        return Message("service.pay.not_now")
    return None


def is_pack_deliverable(
    scope: Scope, order: Order, pack: PackView, fan: directory.FanIdentityView
) -> bool:
    """Return True if the gate would allow this pack for this fan now."""
    channel = queries.get_channel(scope, order.channel_id)
    unit = message_delivery.build_message_unit(
        scope, channel, fan, Subject("order", order.id), text=order.title, media=pack.media
    )
    return issuance.preview_decision(scope, unit, author=scope.actor).is_allowed


def record_payment(scope: Scope, fact: PaymentFact) -> UUID | None:
    """Record a charge once, in one transaction: payment, ledger, order, entitlement, delivery and
    fact event.

    Return the payment's ID, or None if the charge is known. A charge that happened is never
    refused: a second charge of an order is recorded and refunded, and one that fits no order is
    booked in suspense and shown to members.
    """
    if fact.subscription_id is not None:
        return monthly_payments.record_month_payment(scope, fact)
    order = _order_of(scope, fact)
    kind = _classify_charge(scope, order, fact)
    payment_id = _record_charge(scope, fact, order, kind)
    if payment_id is None:
        return None
    rail = entries.rail_ledger_account(fact.rail, fact.till.account)
    book = entries.record_sale if kind == "matched" else entries.record_suspense
    fan_id = _fan_of(scope, order, fact, kind)
    creator_id = fact.till.creator_id
    at = month_close.booking_time(scope, creator_id, fact.at)
    book(scope, payment_id, fact.money, rail=rail, at=at, creator_id=creator_id, fan_id=fan_id)
    if kind == "orphan":
        charges.notify_unmatched_payment(scope, payment_id, fact)
    elif order is None:
        if fan_id is not None:
            directory.rebuild_facts(scope, fan_id)
    elif kind == "matched":
        _fulfil_order(scope, order, payment_id)
    elif kind == "duplicate":
        refunds.request_refund(scope, payment_id, reason=Message("refund.duplicate"))
        outgoing_messages.send_automated_message(
            scope,
            conversation_rows.get_conversation(scope, order.conversation_id),
            Message("service.receipt.duplicate"),
        )
    else:
        assert_never(kind)
    return payment_id


def request_payment_assignment(scope: Scope, payment_id: UUID, order_id: UUID) -> None:
    """Request that an unmatched payment is assigned to an order. A worker does it, because delivery
    starts there.

    Raises NotFound for an unknown order or payment, and Conflict if the fan already owns the pack.
    """
    order = order_rows.get_order(scope, order_id)
    refunds.lock_unmatched_payment(scope, payment_id)
    _check_not_owned(scope, order)
    outbox.put(scope, PaymentSettle(scope.tenant_id, payment_id, order_id=order_id, by=scope.actor))


def assign_payment_to_order(scope: Scope, payment_id: UUID, order_id: UUID) -> None:
    """Assign an unmatched payment to an order, which is then sold and delivered as usual. A
    repeated call changes nothing.

    Raises NotFound. Raises Conflict if the order is paid, belongs to another creator or currency,
    if a refund was requested, or if the fan already owns the pack.
    """
    # Lock order: conversation before order.
    conversation_rows.lock_conversation(
        scope, order_rows.get_order(scope, order_id).conversation_id
    )
    order = order_rows.get_order(scope, order_id, lock=True)
    payment = refunds.lock_unmatched_payment(scope, payment_id)
    if payment.order_id == order_id and payment.kind == "matched":
        return
    same = payment.creator_id == order.creator_id and payment.currency == order.currency
    if payment.kind != "orphan" or not same or order.state not in UNPAID_ORDER_STATES:
        raise Conflict("payment.not_settled")
    _check_not_owned(scope, order)
    payment.kind = "matched"
    payment.order_id = order.id
    payment.fan_id = order.fan_id
    scope.add(payment)
    money = Money(payment.amount_minor, payment.currency)
    whose = {"creator_id": order.creator_id, "fan_id": order.fan_id}
    entries.settle_suspense(scope, payment_id, money, at=scope.now, **whose)
    _fulfil_order(scope, order, payment_id)
    notices.close(scope, charges.unmatched_payment_cause(payment_id))


def _check_not_owned(scope: Scope, order: Order) -> None:
    if order.state in UNPAID_ORDER_STATES and order_rows.has_pack(
        scope, order.fan_id, order.pack_id
    ):
        raise Conflict("payment.owned", title=order.title)


def request_order_refund(scope: Scope, payment_id: UUID, *, reason: Message) -> None:
    """Request the refund of a payment and close its notice; a second request is ignored. Raises
    NotFound."""
    refunds.request_refund(scope, payment_id, reason=reason)
    notices.close(scope, charges.unmatched_payment_cause(payment_id))


def _order_of(scope: Scope, fact: PaymentFact) -> Order | None:
    if fact.order_id is None:
        return None
    try:
        # Lock order: conversation before order.
        conversation_rows.lock_conversation(
            scope, order_rows.get_order(scope, fact.order_id).conversation_id
        )
        return order_rows.get_order(scope, fact.order_id, lock=True)
    except NotFound:
        return None


def _classify_charge(scope: Scope, order: Order | None, fact: PaymentFact) -> ChargeKind:
    if order is None:
        return (
            "matched" if fact.order_id is None and fact.product == PAID_MEDIA_PRODUCT else "orphan"
        )
    fan = directory.get_fan_identity(scope, order.fan_id, order.channel_id)
    same = (
        fan.native_id == fact.payer
        and order.channel_id == fact.till.channel_id
        and order.rail == fact.rail
    )
    if not same or Money(order.amount_minor, order.currency) != fact.money:
        return "orphan"
    if order.state not in UNPAID_ORDER_STATES or order_rows.has_pack(
        scope, order.fan_id, order.pack_id
    ):
        # A recurring charge is intended, not a double payment, so it is not refunded.
        return "orphan" if fact.recurring else "duplicate"
    return "matched"


def _fan_of(scope: Scope, order: Order | None, fact: PaymentFact, kind: ChargeKind) -> UUID | None:
    """Return the fan of a payment. For a sale without an order, it is the payer, if the account
    knows them."""
    if kind == "orphan":
        return None
    if order is not None:
        return order.fan_id
    known = directory.find_fan_identity(scope, fact.till.channel_id, fact.payer)
    return known.fan_id if known is not None else None


def _record_charge(
    scope: Scope, fact: PaymentFact, order: Order | None, kind: ChargeKind
) -> UUID | None:
    order_id = order.id if order is not None else None
    return charges.record_charge(
        scope, fact, kind, fan_id=_fan_of(scope, order, fact, kind), order_id=order_id
    )


def record_unlock(
    scope: Scope, order_id: UUID, native_id: str, *, at: datetime | None
) -> UUID | None:
    """Record that a fan paid for the locked message `native_id`, which also delivered it. Return
    None if it is known.

    Nothing is posted to the ledger: only the platform's list of earnings is booked.
    """
    # Lock order: conversation before order.
    conversation_rows.lock_conversation(
        scope, order_rows.get_order(scope, order_id).conversation_id
    )
    order = order_rows.get_order(scope, order_id, lock=True)
    channel = queries.get_channel(scope, order.channel_id)
    till = RailTill(channel.tenant_id, channel.id, channel.creator_id, channel.account)
    fan = directory.get_fan_identity(scope, order.fan_id, order.channel_id)
    money = Money(order.amount_minor, order.currency)
    when = min(at or scope.now, scope.now)
    fact = PaymentFact(order.rail, till, native_id, order.id, fan.native_id, money, "ppv", when)
    payment_id = _record_charge(scope, fact, order, "matched")
    if payment_id is None:
        return None
    push = _record_entitlement(scope, order, payment_id, FulfilmentState.DELIVERED)
    push.native_id = native_id
    push.settled_at = when
    scope.add(push)
    order_rows.transition_order(scope, order, OrderState.FULFILLED)
    if order.offer_id is not None:
        offers.mark_offer_accepted(scope, order.offer_id)
    outbox.cancel(scope, UnlockCheckDue.kind, order.id)
    directory.rebuild_facts(scope, order.fan_id)
    return payment_id


def _fulfil_order(scope: Scope, order: Order, payment_id: UUID) -> None:
    lies = locked_messages.unlocked_message_of_order(scope, order)
    push = _record_entitlement(
        scope,
        order,
        payment_id,
        FulfilmentState.DELIVERED if lies is not None else FulfilmentState.WAITING,
    )
    if lies is not None:
        _complete_unlocked_order(scope, order, push, lies)
    else:
        pack_delivery.judge_pack(scope, push.id)
        lane = conversation_rows.chat_lane(order.conversation_id)
        outbox.put(
            scope, OrderFulfil(scope.tenant_id, push.id), lane=lane, holds_lane=True, priority=2
        )
    talk = conversation_rows.get_conversation(scope, order.conversation_id)
    paid = Message(
        "service.receipt.paid", {"amount": format_price(Money(order.amount_minor, order.currency))}
    )
    outgoing_messages.send_automated_message(
        scope,
        talk,
        paid,
        buttons=(outgoing_messages.owned_packs_button(talk.language, order.pack_id),),
    )
    directory.rebuild_facts(scope, order.fan_id)


def _complete_unlocked_order(scope: Scope, order: Order, push: Fulfilment, row: Draft) -> None:
    """Complete an order whose message unlocked on payment. The payment also confirms an uncertain
    message."""
    push.native_id = row.native_id
    push.settled_at = scope.now
    scope.add(push)
    order_rows.transition_order(scope, order, OrderState.FULFILLED)
    if order.offer_id is not None:
        offers.mark_offer_accepted(scope, order.offer_id)
    outbox.cancel(scope, UnlockCheckDue.kind, order.id)
    if row.state == DraftState.UNCERTAIN:
        message_delivery.mark_message_arrived(scope, row.id)


def _record_entitlement(
    scope: Scope, order: Order, payment_id: UUID, state: FulfilmentState
) -> Fulfilment:
    """Mark the order as paid, and create the fan's entitlement and the fulfilment."""
    order_rows.transition_order(scope, order, OrderState.PAID)
    packs.freeze_pack(scope, order.pack_id)
    entitlement = Entitlement(
        tenant_id=scope.tenant_id,
        creator_id=order.creator_id,
        fan_id=order.fan_id,
        pack_id=order.pack_id,
        pack_version=order.pack_version,
        title=order.title,
        payment_id=payment_id,
        state="active",
    )
    push = Fulfilment(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=order.creator_id,
        payment_id=payment_id,
        order_id=order.id,
        fan_id=order.fan_id,
        conversation_id=order.conversation_id,
        channel_id=order.channel_id,
        pack_id=order.pack_id,
        pack_version=order.pack_version,
        state=str(state),
    )
    scope.add(entitlement, push)
    outbox.cancel(scope, OfferExpire.kind, order.id)
    outbox.put(scope, OrderPaid(scope.tenant_id, order.id))
    return push
