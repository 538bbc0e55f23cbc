"""Test money of the sandbox network, in XTS."""

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
    """The rail of the sandbox network. Its money has no value, so it sells all ratings that the
    gate allows."""

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
        """Return a signed reference to the order."""
        return self._payloads.write(tenant_id, order_id)

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """Read the sandbox's question. The sandbox refuses the payment if there is no answer within
        10 s."""
        order_id = self._payloads.read(till.tenant_id, update.payload)
        return CheckoutQuery(
            till, update.ref, order_id, update.fan, Money(update.amount_minor, update.currency)
        )

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """Read the sandbox's payment message."""
        return PaymentFact(
            rail=self.name,
            till=till,
            charge_id=update.charge_id,
            order_id=self._payloads.read(till.tenant_id, update.payload),
            payer=update.fan,
            money=Money(update.amount_minor, update.currency),
            product="pack",
            # The sandbox clock is ignored: in a demo with compressed time only our clock runs fast.
            at=now,
        )
