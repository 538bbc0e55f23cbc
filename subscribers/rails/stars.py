"""Telegram Stars, in XTR: whole Stars, the only currency Telegram allows for digital goods."""

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
    """The rail of a Telegram bot. Packs are delivered in the buyer's chat, and the gate checks the
    buyer's age."""

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
    """Limits of paid media. A message can be bought for 24 hours, because a bot can delete only
    messages of the last 48 hours. Nudity is not allowed, because fans who have not paid see a
    blurred preview, and no source documents how strong the blur is.
    https://core.telegram.org/bots/api#sendpaidmedia, #deletemessage"""

    def __init__(self, key: bytes) -> None:
        self._payloads = PayloadSigner(key)

    def payload(self, tenant_id: UUID, order_id: UUID) -> str:
        """Return a signed reference to the order. Telegram allows 128 bytes; this has at
        most 64."""
        return self._payloads.write(tenant_id, order_id)

    def monthly_payload(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """Return a signed reference to the subscription. Telegram returns it with every month, each
        under a new charge ID."""
        return self._payloads.write_monthly(tenant_id, subscription_id)

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """Read Telegram's question before it charges. Telegram cancels the payment if there is no
        answer within ten seconds."""
        order_id = self._payloads.read(till.tenant_id, update.payload)
        monthly = self._payloads.read_monthly(till.tenant_id, update.payload)
        money = Money(update.amount_minor, update.currency)
        return CheckoutQuery(till, update.ref, order_id, update.fan, money, monthly)

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """Read Telegram's payment message; one charge ID is one charge. The time is Telegram's,
        capped at `now`."""
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
