"""Subscription payments: a plan is offered by a link, and the platform charges each month.

Each month is a separate charge with the payload of the first one. It is recorded as a sale,
whichever source reports it and in any order.
"""

from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.outbox import outbox
from gate.contract.units import Button, Invoice, Rating, Subject
from gate.permits import issuance
from gate.viewers import age_assurance
from subscribers.catalog import offers
from subscribers.checkout.events import SubscriptionPaid
from subscribers.checkout.subscription_endings import (
    END_REMINDER_LEAD,
    RUNNING_STATES,
    month_price_text,
    paid_until_day,
    schedule_subscription_end,
    subscription_message_params,
)
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import DraftState
from subscribers.delivery import message_delivery
from subscribers.fans import directory
from subscribers.ledger import entries, month_close
from subscribers.orders import charges, refunds
from subscribers.orders.charges import CHECKOUT_WINDOW, PAYER_MISMATCH
from subscribers.rails.contract import SUBSCRIPTION_PERIOD, CheckoutQuery, MonthlyRail, PaymentFact
from subscribers.rails.price_text import format_price
from subscribers.subscriptions import plans, subscription_rows
from subscribers.subscriptions.events import SubscriptionStop
from subscribers.subscriptions.states import SubscriptionState
from subscribers.subscriptions.subscription_rows import Plan, Subscription

LIFE = timedelta(hours=24)
"""Period in which an offered subscription can be paid."""


def send_subscription_link(
    scope: Scope, talk: Conversation, plan_id: UUID, rail: MonthlyRail
) -> Subscription | None:
    """Send a fan the payment link of a plan. A repeated request renews the same offer.

    Return None if nothing may be sold to the fan now, or if the fan already has the subscription.
    Raises NotFound if the plan is not on sale on this account.
    """
    plan = next(
        (one for one in plans.list_plans_on_sale(scope, talk.channel_id) if one.id == plan_id), None
    )
    if plan is None or plan.rail != rail.name:
        raise NotFound("plan.unknown")
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    mine = _of_fan(scope, talk.fan_id, plan.id)
    if (
        not fan.may_be_sold_to
        or talk.safety_hold
        or any(row.state in RUNNING_STATES for row in mine)
    ):
        return None
    row = next(
        (one for one in mine if one.channel_id == talk.channel_id), None
    ) or _build_subscription(scope, talk, plan)
    subscription_rows.transition_subscription(scope, row, SubscriptionState.OFFERED)
    row.expires_at = scope.now + LIFE
    scope.add(row)
    _send_link(scope, talk, plan, row, rail)
    return row


def _build_subscription(scope: Scope, talk: Conversation, plan: Plan) -> Subscription:
    return Subscription(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=plan.creator_id,
        fan_id=talk.fan_id,
        conversation_id=talk.id,
        channel_id=talk.channel_id,
        plan_id=plan.id,
        title=plan.title,
        rail=plan.rail,
        currency=plan.currency,
        amount_minor=plan.amount_minor,
        state=str(SubscriptionState.OFFERED),
        expires_at=scope.now + LIFE,
    )


def _send_link(
    scope: Scope, talk: Conversation, plan: Plan, row: Subscription, rail: MonthlyRail
) -> None:
    invoice = Invoice(
        title=plan.title,
        description=plan.description,
        amount_minor=row.amount_minor,
        currency=row.currency,
        payload=rail.monthly_payload(scope.tenant_id, row.id),
        period_days=SUBSCRIPTION_PERIOD.days,
    )
    label = render_message(
        Message("subscription.button", {"price": month_price_text(row)}), talk.language
    )
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="auto",
        kind="invoice",
        state=DraftState.AUTO,
        text=f"{plan.title}\n\n{plan.description}",
        invoice=invoice,
        buttons=(Button(label, "subscribe", str(plan.id)),),
    )
    message_delivery.judge_message(scope, draft)
    outgoing_messages.schedule_message_draft(
        scope, draft, priority=outgoing_messages.PAYMENT_SEND_PRIORITY
    )


def _of_fan(scope: Scope, fan_id: UUID, plan_id: UUID | None = None) -> list[Subscription]:
    statement = select(Subscription).where(
        Subscription.tenant_id == scope.tenant_id, Subscription.fan_id == fan_id
    )
    statement = (
        statement.where(Subscription.plan_id == plan_id) if plan_id is not None else statement
    )
    return list(scope.session.exec(statement.order_by(col(Subscription.id).desc())))


def send_subscription_overview(scope: Scope, talk: Conversation, *, sells: bool) -> None:
    """Send a fan their subscriptions with buttons for their packs and for cancelling. A fan without
    one gets the plans on sale, if `sells`."""
    mine = [
        row
        for row in _of_fan(scope, talk.fan_id)
        if row.channel_id == talk.channel_id and row.state in RUNNING_STATES
    ]
    for row in mine:
        stop = (
            _build_button(talk, "stop_renewal", row.id)
            if row.state == SubscriptionState.ACTIVE
            else None
        )
        told = Message(
            f"service.subscription.{row.state}",
            {**subscription_message_params(row), "until": paid_until_day(scope, row, talk)},
        )
        outgoing_messages.send_automated_message(
            scope,
            talk,
            told,
            buttons=(*_build_pack_buttons(scope, talk, row), *([stop] if stop else ())),
        )
    if mine:
        return
    found = list_offerable_plans(scope, talk) if sells else []
    code = "service.subscription.choose" if found else "service.subscription.none"
    outgoing_messages.send_automated_message(
        scope, talk, Message(code), buttons=[_build_plan_button(talk, plan) for plan in found]
    )


def list_offerable_plans(scope: Scope, talk: Conversation) -> list[Plan]:
    """Return the plans that may be shown to the fan of a conversation now; none if the fan already
    subscribes on this account."""
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    mine = [
        row
        for row in _of_fan(scope, talk.fan_id)
        if row.channel_id == talk.channel_id and row.state in RUNNING_STATES
    ]
    if (
        mine
        or talk.kind != "private"
        or talk.safety_hold
        or not fan.may_be_sold_to
        or fan.reachable != "yes"
    ):
        return []
    if offers.is_payment_stopped(scope, fan):
        return []
    return plans.list_plans_on_sale(scope, talk.channel_id)[:MAX_SHOWN]


def send_plan_proposal(scope: Scope, talk: Conversation, plan_id: UUID, *, key: UUID) -> None:
    """Show the fan one plan with a button that requests its link. Raises NotFound if the plan may
    not be shown now."""
    chosen = next((one for one in list_offerable_plans(scope, talk) if one.id == plan_id), None)
    if chosen is None:
        raise NotFound("offer.not_now")
    told = Message("service.subscription.choose")
    outgoing_messages.send_automated_message(
        scope, talk, told, buttons=(_build_plan_button(talk, chosen),), draft_id=key
    )


MAX_SHOWN = 6
"""Maximum number of buttons below a message."""


def _build_pack_buttons(scope: Scope, talk: Conversation, row: Subscription) -> list[Button]:
    found = plans.packs_of_plan(scope, plans.get_plan(scope, row.plan_id))
    return [
        outgoing_messages.owned_pack_button(talk.language, pack.title, pack.id)
        for pack in found[: MAX_SHOWN - 1]
    ]


def _build_plan_button(talk: Conversation, plan: Plan) -> Button:
    asked = format_price(Money(plan.amount_minor, plan.currency))
    label = render_message(
        Message(
            "service.button.plan",
            {"title": outgoing_messages.template_value(plan.title), "price": asked},
        ),
        talk.language,
    )
    return Button(label, "subscribe", str(plan.id))


def _build_button(talk: Conversation, action: str, ref: UUID) -> Button:
    return Button(
        render_message(Message(f"service.button.{action}"), talk.language), action, str(ref)
    )


def monthly_payment_refusal(scope: Scope, query: CheckoutQuery) -> Message | None:
    """Return the reason to refuse a payment, or None to allow it. The platform waits for the
    answer.

    Allowing a payment is not a promise of delivery.
    """
    if query.subscription_id is None:
        return Message("service.pay.unknown")
    try:
        row = subscription_rows.get_subscription(scope, query.subscription_id, lock=True)
        against = _find_refusal(scope, row, query)
    except NotFound:
        return Message("service.pay.unknown")
    if against is None:
        row.checkout_at = scope.now
        scope.add(row)
    return against


def _find_refusal(scope: Scope, row: Subscription, query: CheckoutQuery) -> Message | None:
    """Return the reason to refuse a payment, or None. Raises NotFound."""
    channel = queries.get_channel(scope, row.channel_id)
    fan = directory.get_fan_identity(scope, row.fan_id, row.channel_id)
    plan = plans.get_plan(scope, row.plan_id)
    if fan.native_id != query.payer or channel.id != query.till.channel_id:
        return PAYER_MISMATCH
    running = row.state in RUNNING_STATES
    if running and row.until is not None and row.until - END_REMINDER_LEAD > scope.now:
        return Message("service.pay.subscribed")
    if not running and (
        row.state == SubscriptionState.ENDED
        or row.expires_at <= scope.now
        or plan.state != plans.PLAN_ACTIVE
    ):
        return Message("service.pay.expired")
    if query.money != Money(row.amount_minor, row.currency):
        return Message("service.pay.changed")
    if row.checkout_at is not None and scope.now - row.checkout_at < CHECKOUT_WINDOW:
        return Message("service.pay.running")
    found = plans.packs_of_plan(scope, plan)
    if (
        plans.plan_rating(found).rank > Rating.S.rank
        and not age_assurance.get_assurance(scope, channel.platform, fan.native_id).over_18
    ):
        return Message("service.pay.age")
    held = (
        conversation_rows.get_conversation(scope, row.conversation_id).safety_hold
        or not fan.may_be_sold_to
    )
    about = Subject("subscription", row.id)
    units = (
        message_delivery.build_message_unit(
            scope, channel, fan, about, text=pack.title, media=pack.media
        )
        for pack in found
    )
    if (
        held
        or offers.is_payment_stopped(scope, fan)
        or not all(
            issuance.preview_decision(scope, unit, author=scope.actor).is_allowed for unit in units
        )
    ):
        return Message("service.pay.not_now")
    return None


def record_month_payment(scope: Scope, fact: PaymentFact) -> UUID | None:
    """Record a paid month once: payment, ledger, paid period and fact event.

    Return the payment's ID, or None if the charge is known. A payment that fits no subscription is
    booked in suspense for a member to decide. A month that is already paid is refunded, and the
    renewal that charged it twice is stopped.
    """
    row = _lock_subscription(scope, fact)
    kind = _classify_charge(scope, row, fact)
    owner = row.fan_id if row is not None and kind != "orphan" else None
    payment_id = charges.record_charge(scope, fact, kind, fan_id=owner, order_id=None)
    if payment_id is None:
        return None
    book = entries.record_sale if kind == "matched" else entries.record_suspense
    rail = entries.rail_ledger_account(fact.rail, fact.till.account)
    creator = fact.till.creator_id
    at = month_close.booking_time(scope, creator, fact.at)
    book(scope, payment_id, fact.money, rail=rail, at=at, creator_id=creator, fan_id=owner)
    if row is None or kind == "orphan":
        charges.notify_unmatched_payment(scope, payment_id, fact)
        # The subscription has ended here, so its renewal was not stopped at the platform.
        if row is not None and row.state == SubscriptionState.ENDED:
            _request_subscription_stop(scope, row, fact, row.first_charge)
    elif kind == "duplicate":
        refunds.request_refund(scope, payment_id, reason=Message("refund.duplicate"))
        _request_subscription_stop(scope, row, fact, fact.charge_id)
        outgoing_messages.send_automated_message(
            scope,
            conversation_rows.get_conversation(scope, row.conversation_id),
            Message("service.receipt.duplicate"),
        )
    else:
        _record_month(scope, row, payment_id, fact)
        directory.rebuild_facts(scope, row.fan_id)
        outbox.put(scope, SubscriptionPaid(scope.tenant_id, payment_id))
    return payment_id


def _request_subscription_stop(
    scope: Scope, row: Subscription, fact: PaymentFact, charge_id: str
) -> None:
    stop_it = SubscriptionStop(scope.tenant_id, row.id, fact.payer, charge_id)
    outbox.put(scope, stop_it, lane=f"order:{row.id}", priority=2)


def _lock_subscription(scope: Scope, fact: PaymentFact) -> Subscription | None:
    if fact.subscription_id is None:
        return None
    try:
        # Lock order: conversation before subscription.
        conversation_rows.lock_conversation(
            scope, subscription_rows.get_subscription(scope, fact.subscription_id).conversation_id
        )
        return subscription_rows.get_subscription(scope, fact.subscription_id, lock=True)
    except NotFound:
        return None


def _classify_charge(
    scope: Scope, row: Subscription | None, fact: PaymentFact
) -> charges.ChargeKind:
    if row is None:
        return "orphan"
    fan = directory.get_fan_identity(scope, row.fan_id, row.channel_id)
    same = (
        fan.native_id == fact.payer
        and row.channel_id == fact.till.channel_id
        and row.rail == fact.rail
    )
    if not same or Money(row.amount_minor, row.currency) != fact.money or fan.status != "active":
        return "orphan"  # Also for an inactive fan, for example a minor: a member refunds it.
    return (
        "duplicate" if subscription_rows.is_month_paid(scope, row, _paid_until(fact)) else "matched"
    )


def _paid_until(fact: PaymentFact) -> datetime:
    return fact.until or fact.at + SUBSCRIPTION_PERIOD


def _record_month(scope: Scope, row: Subscription, payment_id: UUID, fact: PaymentFact) -> None:
    """Add a paid month. A late or out-of-order charge never shortens the paid period."""
    scope.add(
        subscription_rows.SubscriptionMonth(
            tenant_id=scope.tenant_id,
            creator_id=row.creator_id,
            subscription_id=row.id,
            payment_id=payment_id,
            until=_paid_until(fact),
        )
    )
    restarts = row.state in (SubscriptionState.OFFERED, SubscriptionState.ENDED)
    if restarts or row.begun_at is None or fact.at < row.begun_at:
        row.first_charge = fact.charge_id
        row.begun_at = fact.at
    subscription_rows.recompute_paid_until(scope, row)
    # The platform charged a month after the renewal was stopped.
    if restarts or (row.stopped_at is not None and fact.at > row.stopped_at):
        row.stopped_at = None
        subscription_rows.transition_subscription(scope, row, SubscriptionState.ACTIVE)
    schedule_subscription_end(scope, row)
    talk = conversation_rows.get_conversation(scope, row.conversation_id)
    code = "service.subscription.begun" if restarts else "service.subscription.renewed"
    told = Message(
        code, {**subscription_message_params(row), "until": paid_until_day(scope, row, talk)}
    )
    outgoing_messages.send_automated_message(
        scope, talk, told, buttons=_build_pack_buttons(scope, talk, row) if restarts else ()
    )
