"""Charges as rows: each once, whoever tells of it, and in sight where it is nobody's."""

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
"""An accepted checkout keeps a second one of the same thing away for so long."""

PAYER_MISMATCH = Message("service.pay.not_yours")

ChargeKind = Literal["matched", "duplicate", "orphan"]


def record_charge(
    scope: Scope, fact: PaymentFact, kind: ChargeKind, *, fan_id: UUID | None, order_id: UUID | None
) -> UUID | None:
    """Write a charge down, once; the payment's id, None when it is known."""
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
    """Money came that is nobody's: a person decides."""
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
    """The cause of what is told of a payment that is nobody's."""
    return f"payment:{payment_id}:unmatched"
