"""The contract of every payment rail: what it may sell, and what its words about money mean. Pure;
no database here."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable
from uuid import UUID

from channels.accounts.queries import Channel
from connectors.contract.chats import ChatUpdate
from foundation.money import Money
from gate.contract.units import Rating

VERSION = "1"
MONTHLY = "2"
_CLAIMS = {VERSION: b"order:", MONTHLY: b"plan:"}
INVOICE_LIFE = timedelta(minutes=30)
"""How long a price that was asked for holds, where money is asked for by an invoice."""

_MAC_BYTES = 16


@dataclass(frozen=True)
class RailTill:
    """Where money lands: one of our accounts."""

    tenant_id: UUID
    channel_id: UUID
    creator_id: UUID
    account: str


@dataclass(frozen=True)
class CheckoutQuery:
    """A platform asks whether a payment may go through. `order_id` is None when the payload is not
    ours."""

    till: RailTill
    query_id: str
    order_id: UUID | None
    payer: str
    money: Money
    subscription_id: UUID | None = None
    """Of the first month of a subscription; there is no order then."""


@dataclass(frozen=True)
class PaymentFact:
    """A charge that happened. `charge_id` is the key; the order is only pointed at. What is sold
    without an order of ours is a `product` of its own."""

    rail: str
    till: RailTill
    charge_id: str
    order_id: UUID | None
    payer: str
    money: Money
    product: str
    at: datetime
    recovered: bool = False
    """It was found in the platform's list; nobody told us of it."""
    recurring: bool = False
    """The platform took it as a month of a subscription: of ours, `subscription_id`, and paid for
    `until` then where it says so."""
    subscription_id: UUID | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class LockedOfferLimits:
    """What a rail with invoices may show behind a price instead: packs of these `ratings`, of so
    many files and minor units at `most_files` and `most_minor`, for `life`."""

    life: timedelta
    ratings: frozenset[Rating]
    most_files: int
    most_minor: int

    def can_lock_pack(self, rating: Rating, files: int, price: Money) -> bool:
        """Whether a pack can be sold so."""
        return (
            rating in self.ratings
            and 0 < files <= self.most_files
            and price.minor <= self.most_minor
        )


class RailTerms(Protocol):
    """What a rail sells for: `currency` is what its prices are in, `least` the lowest in minor
    units; `ratings` what it may sell; `life` how long an order may be paid; `monthly` the most a
    month of a subscription may cost, 0 where the platform renews none. Where it is `locked`, one
    message offers, takes the money and delivers, and the platform's list of earnings is what is
    booked."""

    platform: str
    name: str
    currency: str
    ratings: frozenset[Rating]
    least: int
    life: timedelta
    locked: bool
    monthly: int
    behind: LockedOfferLimits | None
    """What may be sold behind a price by a rail that is not `locked` otherwise."""


class PaymentRail(RailTerms, Protocol):
    """One way to be paid."""

    def payload(self, tenant_id: UUID, order_id: UUID) -> str:
        """What travels with an invoice and comes back with its money."""
        ...

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """Read a platform's question before a payment."""
        ...

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """Read a platform's word that money came; `now` serves where it does not say when."""
        ...


@runtime_checkable
class MonthlyRail(PaymentRail, Protocol):
    """One whose platform takes the money of subscriptions by itself, every `PERIOD`."""

    def monthly_payload(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """What travels with the first invoice of a subscription and comes back with each of its
        months."""
        ...


SUBSCRIPTION_PERIOD = timedelta(days=30)
SUBSCRIPTION_PRODUCT = "subscription"
"""The product of a month of one."""

PAID_MEDIA_PRODUCT = "paid_media"
"""The product of what somebody paid to see: it is bought where it stands, without an order."""

Rails = Mapping[str, PaymentRail]
"""The rails of the house by the platform they belong to."""


class PayloadSigner:
    """Signed pointers to orders and subscriptions, ≤ 64 bytes: version, what it is, and a MAC that
    binds both to the tenant. One kind is never taken for the other."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, tenant_id: UUID, order_id: UUID) -> str:
        """The payload of an order."""
        return self._encode_payload(VERSION, tenant_id, order_id)

    def read(self, tenant_id: UUID, payload: str) -> UUID | None:
        """The order a payload points at; None for one that is not ours, or another tenant's."""
        return self._decode_payload(VERSION, tenant_id, payload)

    def write_monthly(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """The payload of a subscription."""
        return self._encode_payload(MONTHLY, tenant_id, subscription_id)

    def read_monthly(self, tenant_id: UUID, payload: str) -> UUID | None:
        """The subscription a payload points at; None likewise."""
        return self._decode_payload(MONTHLY, tenant_id, payload)

    def _encode_payload(self, version: str, tenant_id: UUID, what: UUID) -> str:
        return f"{version}.{_encode_base64(what.bytes)}.{_encode_base64(self._compute_mac(version, tenant_id, what))}"

    def _decode_payload(self, wanted: str, tenant_id: UUID, payload: str) -> UUID | None:
        version, _, rest = payload.partition(".")
        told, _, mac = rest.partition(".")
        try:
            what = UUID(bytes=_decode_base64(told))
            given = _decode_base64(mac)
        except ValueError:
            return None
        right = version == wanted and hmac.compare_digest(
            given, self._compute_mac(wanted, tenant_id, what)
        )
        return what if right else None

    def _compute_mac(self, version: str, tenant_id: UUID, what: UUID) -> bytes:
        claim = _CLAIMS[version] + version.encode() + tenant_id.bytes + what.bytes
        return hmac.new(self._key, claim, hashlib.sha256).digest()[:_MAC_BYTES]


def _encode_base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode_base64(text: str) -> bytes:
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _encode_base64(data) != text:
        raise ValueError("not the canonical form")
    return data


def till_of_channel(channel: Channel) -> RailTill:
    """Where the money of an account lands."""
    return RailTill(channel.tenant_id, channel.id, channel.creator_id, channel.account)
