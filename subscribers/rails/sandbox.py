"""Test money of the sandbox network, counted in XTS."""

from datetime import datetime
from uuid import UUID

from connectors.contract.chats import ChatUpdate
from foundation.money import Money
from gate.contract.units import Rating
from subscribers.rails.contract import (
    INVOICE_LIFE,
    CheckoutQuery,
    PayloadSigner,
    PaymentFact,
    RailTill,
)


class SandboxRail:
    """The rail of a network where nothing is worth anything: it may sell what the safety check lets
    through."""

    platform = "sandbox"
    name = "sandbox"
    currency = "XTS"
    ratings = frozenset({Rating.G, Rating.S, Rating.N, Rating.E})
    least = 1
    life = INVOICE_LIFE
    locked = False
    monthly = 0
    behind = None

    def __init__(self, key: bytes) -> None:
        self._payloads = PayloadSigner(key)

    def payload(self, tenant_id: UUID, order_id: UUID) -> str:
        """A signed pointer to the order."""
        return self._payloads.write(tenant_id, order_id)

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """The sandbox asks; it refuses the payment when no answer comes within 10 s."""
        order_id = self._payloads.read(till.tenant_id, update.payload)
        return CheckoutQuery(
            till, update.ref, order_id, update.fan, Money(update.amount_minor, update.currency)
        )

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """The sandbox took the fan's test money."""
        return PaymentFact(
            rail=self.name,
            till=till,
            charge_id=update.charge_id,
            order_id=self._payloads.read(till.tenant_id, update.payload),
            payer=update.fan,
            money=Money(update.amount_minor, update.currency),
            product="pack",
            at=now,  # its clock is not the house's: a compressed day moves only ours
        )
