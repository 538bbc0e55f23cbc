"""Charges as rows: each charge is recorded once, and an unmatched one is reported to members."""

from datetime import timedelta
from typing import Literal
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from subscribers.rails.contract import PaymentFact
from subscribers.rails.price_text import format_price
from tenants.notices import notices

CHECKOUT_WINDOW = timedelta(seconds=60)
"""Period after an accepted checkout in which a second checkout of the same item is refused."""

PAYER_MISMATCH = Message("service.pay.not_yours")

ChargeKind = Literal["matched", "duplicate", "orphan"]


def record_charge(
    scope: Scope, fact: PaymentFact, kind: ChargeKind, *, fan_id: UUID | None, order_id: UUID | None
) -> UUID | None:
    """Insert a charge and return its payment ID, or None if the charge is already recorded."""
    payment_id = uuid7()
    done = scope.run(
        "INSERT INTO payments (tenant_id, id, creator_id, rail, account, channel_id, charge_id, "
        "order_id, fan_id,"
        " payer, amount_minor, currency, product, kind, recovered, at)"
        " VALUES (:tenant, :id, :creator, :rail, :account, :channel, :charge, :order, :fan, :payer,"
        " :minor, :currency, :product, :kind, :recovered, :at)"
        " ON CONFLICT (tenant_id, rail, account, charge_id) DO NOTHING",
        tenant=scope.tenant_id,
        id=payment_id,
        creator=fact.till.creator_id,
        rail=fact.rail,
        account=fact.till.account,
        channel=fact.till.channel_id,
        charge=fact.charge_id,
        order=order_id,
        fan=fan_id,
        payer=fact.payer,
        minor=fact.money.minor,
        currency=fact.money.currency,
        product=fact.product,
        kind=kind,
        recovered=fact.recovered,
        at=fact.at,
    )
    return payment_id if done.rowcount else None


def notify_unmatched_payment(scope: Scope, payment_id: UUID, fact: PaymentFact) -> None:
    """Notify members of a payment that matches no order; a member decides what happens to it."""
    told = Message(
        "payment.unmatched", {"amount": format_price(fact.money), "account": fact.till.account}
    )
    notices.put(
        scope,
        told,
        cause=unmatched_payment_cause(payment_id),
        urgent=True,
        creator_id=fact.till.creator_id,
    )


def unmatched_payment_cause(payment_id: UUID) -> str:
    """Return the cause of the notice about an unmatched payment."""
    return f"payment:{payment_id}:unmatched"
