"""Telegram Stars, counted in XTR: whole Stars, the only money for digital goods there."""

from datetime import datetime, timedelta
from uuid import UUID

from connectors.contract.chats import ChatUpdate
from foundation.money import Money
from gate.contract.units import Rating
from subscribers.rails.contract import (
    INVOICE_LIFE,
    SUBSCRIPTION_PRODUCT,
    CheckoutQuery,
    LockedOfferLimits,
    PayloadSigner,
    PaymentFact,
    RailTill,
)


class StarsRail:
    """The rail of a bot. It sells what is delivered in its buyer's chat, where the safety check
    knows their age."""

    platform = "telegram"
    name = "stars"
    currency = "XTR"
    ratings = frozenset({Rating.G, Rating.S, Rating.N, Rating.E})
    least = 1
    life = INVOICE_LIFE
    locked = False
    monthly = 10_000
    behind = LockedOfferLimits(
        timedelta(hours=24), frozenset({Rating.G, Rating.S}), most_files=10, most_minor=25_000
    )
    """A day: a bot deletes what it sent within two. Nothing nude: who has not paid sees it too,
    blurred, and no source says how much. https://core.telegram.org/bots/api#sendpaidmedia,
    #deletemessage"""

    def __init__(self, key: bytes) -> None:
        self._payloads = PayloadSigner(key)

    def payload(self, tenant_id: UUID, order_id: UUID) -> str:
        """A signed pointer to the order; Telegram takes 128 bytes, this is 64 at most."""
        return self._payloads.write(tenant_id, order_id)

    def monthly_payload(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """A signed pointer to the subscription; each of its months comes with it, under a charge id
        of its own."""
        return self._payloads.write_monthly(tenant_id, subscription_id)

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """Telegram asks before it takes the Stars, and cancels after ten seconds without a yes."""
        order_id = self._payloads.read(till.tenant_id, update.payload)
        monthly = self._payloads.read_monthly(till.tenant_id, update.payload)
        money = Money(update.amount_minor, update.currency)
        return CheckoutQuery(till, update.ref, order_id, update.fan, money, monthly)

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """Telegram took the Stars: a charge id is one charge. When that was is its own word, never
        ahead of us."""
        monthly = self._payloads.read_monthly(till.tenant_id, update.payload)
        return PaymentFact(
            rail=self.name,
            till=till,
            charge_id=update.charge_id,
            order_id=self._payloads.read(till.tenant_id, update.payload),
            payer=update.fan,
            money=Money(update.amount_minor, update.currency),
            product="pack" if monthly is None else SUBSCRIPTION_PRODUCT,
            at=min(update.at or now, now),
            recurring=update.recurring,
            subscription_id=monthly,
            until=update.until,
        )
