"""Orders: accepted, invoiced, asked at the checkout, paid. Money is decided by the charge, never by the invoice."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from channels import reads as channel_reads
from foundation import outbox
from foundation.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from foundation.words import Message
from gate import minting, viewers
from gate.units import Invoice, Rating, Subject
from studio import packs
from studio.packs import Pack
from subscribers import (
    closing,
    directory,
    drafts,
    fulfilling,
    ledger,
    locked,
    offers,
    orderbook,
    payments,
    refunding,
    sending,
    subscriptions,
    talks,
)
from subscribers.events import OfferExpire, OrderFulfil, OrderLook, OrderPaid, PaymentSettle
from subscribers.models import Conversation, Draft, Entitlement, Fulfilment, Order
from subscribers.payments import NOT_YOURS, ONE_CHECKOUT, Kind
from subscribers.rails.contract import PAID_MEDIA, CheckoutQuery, PaymentFact, PaymentRail, Till
from subscribers.states import PAYABLE, UNPAID, DraftState, FulfilmentState, OrderState
from tenants import notices


@dataclass(frozen=True)
class Yes:
    """The payment may go through. It promises no delivery."""


@dataclass(frozen=True)
class No:
    """The payment may not go through; the sentence is for the fan."""

    reason: Message


def accept(scope: Scope, talk: Conversation, offer_id: UUID, rail: PaymentRail) -> Order | None:
    """The fan said yes: an order at the price they were shown, and its invoice on its way; good for 30 minutes.

    None when nothing may be sold to them now, when they own the pack, or when its invoice is open already.
    Raises NotFound for an offer that is not theirs or has expired.
    """
    fan = directory.identity_on(scope, talk.fan_id, talk.channel_id)
    shown = offers.shown(scope, offer_id, talk.fan_id)
    if not fan.may_be_sold_to or talk.safety_hold or orderbook.owns(scope, fan.fan_id, shown.pack_id):
        return None
    if orderbook.is_open(scope, fan.fan_id, shown.pack_id):
        return None
    order = orderbook.begin(scope, talk, shown, rail.life)
    offers.accepted(scope, offer_id)
    _invoice(scope, talk, order, rail)
    outbox.put(scope, OfferExpire(scope.tenant_id, order.id), at=order.expires_at)
    return order


def _invoice(scope: Scope, talk: Conversation, order: Order, rail: PaymentRail) -> None:
    pack = packs.pack(scope, order.pack_id)
    invoice = Invoice(
        title=order.title,
        description=pack.description or order.title,
        amount_minor=order.amount_minor,
        currency=order.currency,
        payload=rail.payload(scope.tenant_id, order.id),
    )
    state = DraftState.AUTO
    draft = drafts.put(
        scope, talk, origin="auto", kind="invoice", state=state, invoice=invoice, order_id=order.id, text=order.title
    )
    draft.expires_at = order.expires_at
    scope.add(draft)
    sending.judged(scope, draft)
    drafts.send(scope, draft, priority=drafts.FIRST)


def expire(scope: Scope, order_id: UUID) -> None:
    """The time to pay is over. Money that still comes is delivered all the same."""
    order = orderbook.find(scope, order_id, lock=True)
    if order.state not in PAYABLE:
        return
    orderbook.move(scope, order, OrderState.EXPIRED)
    if order.way == locked.KIND:
        locked.look_at(scope, order_id, scope.now)  # one that was not bought is withdrawn
    scope.run(
        "UPDATE offers SET state = 'expired', updated_at = house_now() WHERE tenant_id = :tenant AND id = :id"
        " AND state = 'accepted'",
        tenant=scope.tenant_id,
        id=order.offer_id,
    )


def can_pay(scope: Scope, query: CheckoutQuery) -> Yes | No:
    """Whether a payment may go through now; asked while the platform waits. A doubt is a no. Promises no delivery."""
    if query.order_id is None:
        against = subscriptions.refusal(scope, query)
        return No(against) if against is not None else Yes()
    try:
        order = orderbook.find(scope, query.order_id, lock=True)
        refusal = _refusal(scope, order, query)
    except NotFound:
        return No(Message("service.pay.unknown"))
    if refusal is not None:
        if refusal != NOT_YOURS:  # a forwarded invoice is no matter of its fan's: whoever tapped it is told, there
            drafts.say_service(scope, talks.read(scope, order.conversation_id), refusal)
        return No(refusal)
    orderbook.move(scope, order, OrderState.CHECKOUT)
    order.checkout_at = scope.now
    scope.add(order)
    return Yes()


def _refusal(scope: Scope, order: Order, query: CheckoutQuery) -> Message | None:
    """What speaks against the payment, in the order a fan would want to hear it. Raises NotFound."""
    channel = channel_reads.channel(scope, order.channel_id)
    fan = directory.identity_on(scope, order.fan_id, order.channel_id)
    pack = packs.pack(scope, order.pack_id)
    if fan.native_id != query.payer or channel.id != query.till.channel_id:
        return NOT_YOURS
    if orderbook.owns(scope, order.fan_id, order.pack_id) or order.state not in {*PAYABLE, OrderState.EXPIRED}:
        return Message("service.pay.owned")
    if order.state == OrderState.EXPIRED or order.expires_at <= scope.now:
        return Message("service.pay.expired")
    if query.money != Money(order.amount_minor, order.currency):
        return Message("service.pay.changed")
    if order.checkout_at is not None and scope.now - order.checkout_at < ONE_CHECKOUT:
        return Message("service.pay.running")
    if pack.state != "active" or pack.version != order.pack_version:
        return Message("service.pay.gone")
    grown_up = viewers.level(scope, channel.platform, fan.native_id).over_18
    if pack.rating.rank > Rating.S.rank and not grown_up:
        return Message("service.pay.age")
    held = talks.read(scope, order.conversation_id).safety_hold
    if held or offers.stopped(scope, fan) or not fan.may_be_sold_to or not deliverable(scope, order, pack, fan):
        return Message("service.pay.not_now")
    return None


def deliverable(scope: Scope, order: Order, pack: Pack, fan: directory.Identity) -> bool:
    """Whether the safety check would let this pack go to this fan now."""
    channel = channel_reads.channel(scope, order.channel_id)
    unit = sending.unit_for(scope, channel, fan, Subject("order", order.id), text=order.title, media=pack.media)
    return minting.preview(scope, unit, author=scope.actor).allowed


def record_payment(scope: Scope, fact: PaymentFact) -> UUID | None:
    """Write down a charge, once: payment, ledger, order, entitlement, delivery and fact in this one transaction.

    Returns the payment's id, None when the charge is known. Nothing refuses money that was taken: a second charge of
    an order is recorded and given back, one that fits no order is kept in suspense and shown to the members.
    """
    if fact.subscription_id is not None:
        return subscriptions.paid(scope, fact)
    order = _order_of(scope, fact)
    kind = _kind(scope, order, fact)
    payment_id = _insert(scope, fact, order, kind)
    if payment_id is None:
        return None
    rail = ledger.rail_account(fact.rail, fact.till.account)
    book = ledger.record_sale if kind == "matched" else ledger.record_suspense
    fan_id, creator_id = _fan_of(scope, order, fact, kind), fact.till.creator_id
    at = closing.open_at(scope, creator_id, fact.at)
    book(scope, payment_id, fact.money, rail=rail, at=at, creator_id=creator_id, fan_id=fan_id)
    if kind == "orphan":
        payments.tell_unmatched(scope, payment_id, fact)
    elif order is None:
        if fan_id is not None:
            directory.rebuild_facts(scope, fan_id)
    elif kind == "matched":
        _sell(scope, order, payment_id)
    elif kind == "duplicate":
        refunding.ask(scope, payment_id, reason=Message("refund.duplicate"))
        drafts.say_service(scope, talks.read(scope, order.conversation_id), Message("service.receipt.duplicate"))
    else:
        assert_never(kind)
    return payment_id


def name_order(scope: Scope, payment_id: UUID, order_id: UUID) -> None:
    """A member says which order an unmatched payment pays; the workers do it, since delivery begins there.

    Raises NotFound for an order or a payment that is not here, Conflict for a pack that its fan owns already.
    """
    order = orderbook.find(scope, order_id)
    refunding.unmatched(scope, payment_id)
    _once(scope, order)
    outbox.put(scope, PaymentSettle(scope.tenant_id, payment_id, order_id=order_id, by=scope.actor))


def settle_unmatched(scope: Scope, payment_id: UUID, order_id: UUID) -> None:
    """A member says which order an unmatched payment pays: it is sold and delivered as if it had come with its order.

    Settled twice is once. Raises NotFound, and Conflict for an order that is paid, of another creator or another
    currency, money that is on its way back, or a pack that its fan owns already.
    """
    talks.locked(scope, orderbook.find(scope, order_id).conversation_id)  # conversations before orders
    order = orderbook.find(scope, order_id, lock=True)
    payment = refunding.unmatched(scope, payment_id)
    if payment.order_id == order_id and payment.kind == "matched":
        return
    same = payment.creator_id == order.creator_id and payment.currency == order.currency
    if payment.kind != "orphan" or not same or order.state not in UNPAID:
        raise Conflict("payment.not_settled")
    _once(scope, order)
    payment.kind, payment.order_id, payment.fan_id = "matched", order.id, order.fan_id
    scope.add(payment)
    money = Money(payment.amount_minor, payment.currency)
    whose = {"creator_id": order.creator_id, "fan_id": order.fan_id}
    ledger.settle_suspense(scope, payment_id, money, at=scope.now, **whose)
    _sell(scope, order, payment_id)
    notices.settle(scope, payments.unmatched(payment_id))


def _once(scope: Scope, order: Order) -> None:
    if order.state in UNPAID and orderbook.owns(scope, order.fan_id, order.pack_id):
        raise Conflict("payment.owned", title=order.title)


def ask_refund(scope: Scope, payment_id: UUID, *, reason: Message) -> None:
    """Give a payment back; asked twice is once. Raises NotFound."""
    refunding.ask(scope, payment_id, reason=reason)
    notices.settle(scope, payments.unmatched(payment_id))


def _order_of(scope: Scope, fact: PaymentFact) -> Order | None:
    if fact.order_id is None:
        return None
    try:
        talks.locked(scope, orderbook.find(scope, fact.order_id).conversation_id)  # conversations before orders
        return orderbook.find(scope, fact.order_id, lock=True)
    except NotFound:
        return None


def _kind(scope: Scope, order: Order | None, fact: PaymentFact) -> Kind:
    if order is None:
        return "matched" if fact.order_id is None and fact.product == PAID_MEDIA else "orphan"
    fan = directory.identity_on(scope, order.fan_id, order.channel_id)
    same = fan.native_id == fact.payer and order.channel_id == fact.till.channel_id and order.rail == fact.rail
    if not same or Money(order.amount_minor, order.currency) != fact.money:
        return "orphan"
    if order.state not in UNPAID or orderbook.owns(scope, order.fan_id, order.pack_id):
        return "orphan" if fact.recurring else "duplicate"  # a month somebody pays for is no slip: it is not undone
    return "matched"


def _fan_of(scope: Scope, order: Order | None, fact: PaymentFact, kind: Kind) -> UUID | None:
    """Whose payment it is; of what was bought without an order, its payer's, if this account knows them."""
    if kind == "orphan":
        return None
    if order is not None:
        return order.fan_id
    known = directory.known_on(scope, fact.till.channel_id, fact.payer)
    return known.fan_id if known is not None else None


def _insert(scope: Scope, fact: PaymentFact, order: Order | None, kind: Kind) -> UUID | None:
    order_id = order.id if order is not None else None
    return payments.record(scope, fact, kind, fan_id=_fan_of(scope, order, fact, kind), order_id=order_id)


def unlocked(scope: Scope, order_id: UUID, native_id: str, *, at: datetime | None) -> UUID | None:
    """A fan paid for the locked message `native_id`: its platform delivered it at that moment. None when it is known.

    Nothing is posted: what came in is booked from the platform's own list of earnings, and from there alone.
    """
    talks.locked(scope, orderbook.find(scope, order_id).conversation_id)  # conversations before orders
    order = orderbook.find(scope, order_id, lock=True)
    channel = channel_reads.channel(scope, order.channel_id)
    till = Till(channel.tenant_id, channel.id, channel.creator_id, channel.account)
    fan = directory.identity_on(scope, order.fan_id, order.channel_id)
    money, when = Money(order.amount_minor, order.currency), min(at or scope.now, scope.now)
    fact = PaymentFact(order.rail, till, native_id, order.id, fan.native_id, money, "ppv", when)
    payment_id = _insert(scope, fact, order, "matched")
    if payment_id is None:
        return None
    push = _own(scope, order, payment_id, FulfilmentState.DELIVERED)
    push.native_id, push.settled_at = native_id, when
    scope.add(push)
    orderbook.move(scope, order, OrderState.FULFILLED)
    if order.offer_id is not None:
        offers.accepted(scope, order.offer_id)
    outbox.cancel(scope, OrderLook.kind, order.id)
    directory.rebuild_facts(scope, order.fan_id)
    return payment_id


def _sell(scope: Scope, order: Order, payment_id: UUID) -> None:
    lies = locked.lies_open(scope, order)
    push = _own(scope, order, payment_id, FulfilmentState.DELIVERED if lies is not None else FulfilmentState.WAITING)
    if lies is not None:
        _opened(scope, order, push, lies)
    else:
        fulfilling.judged(scope, push.id)
        lane = talks.lane(order.conversation_id)
        outbox.put(scope, OrderFulfil(scope.tenant_id, push.id), lane=lane, holds_lane=True, priority=2)
    talk = talks.read(scope, order.conversation_id)
    paid = Message("service.receipt.paid", {"amount": offers.shown_price(Money(order.amount_minor, order.currency))})
    drafts.say_service(scope, talk, paid, buttons=(drafts.purchases_button(talk.language, order.pack_id),))
    directory.rebuild_facts(scope, order.fan_id)


def _opened(scope: Scope, order: Order, push: Fulfilment, row: Draft) -> None:
    """What was bought lies in the chat already, and opened as it was paid; that proves a message in doubt."""
    push.native_id, push.settled_at = row.native_id, scope.now
    scope.add(push)
    orderbook.move(scope, order, OrderState.FULFILLED)
    if order.offer_id is not None:
        offers.accepted(scope, order.offer_id)
    outbox.cancel(scope, OrderLook.kind, order.id)
    if row.state == DraftState.UNCERTAIN:
        sending.arrived(scope, row.id)


def _own(scope: Scope, order: Order, payment_id: UUID, state: FulfilmentState) -> Fulfilment:
    """The order is paid: what its fan owns from now on, and how it reaches them."""
    orderbook.move(scope, order, OrderState.PAID)
    packs.freeze(scope, order.pack_id)
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
