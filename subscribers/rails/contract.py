"""The contract of payment rails: what a rail may sell, and how its payment messages are read. Pure;
no database access."""

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
"""Validity of the price in an invoice."""

_MAC_BYTES = 16


@dataclass(frozen=True)
class RailTill:
    """The account that receives the money of a payment."""

    tenant_id: UUID
    channel_id: UUID
    creator_id: UUID
    account: str


@dataclass(frozen=True)
class CheckoutQuery:
    """A platform's question before a payment. `order_id` is None if the payload is not ours."""

    till: RailTill
    query_id: str
    order_id: UUID | None
    payer: str
    money: Money
    subscription_id: UUID | None = None
    """The subscription whose first month is paid; there is no order then."""


@dataclass(frozen=True)
class PaymentFact:
    """A charge that happened. `charge_id` is the key; `order_id` is only a reference.

    A sale without an order has a `product` that names it.
    """

    rail: str
    till: RailTill
    charge_id: str
    order_id: UUID | None
    payer: str
    money: Money
    product: str
    at: datetime
    recovered: bool = False
    """True if the charge was found in the platform's list and no event reported it."""
    recurring: bool = False
    """True if the platform charged a month of a subscription. `subscription_id` is set if the
    subscription is ours, and `until` if the platform reports the end of the paid period."""
    subscription_id: UUID | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class LockedOfferLimits:
    """Limits of packs that an invoice rail may also sell as locked messages.

    A pack has one of the `ratings`, at most `most_files` files and a price of at most `most_minor`
    minor units; the message can be bought for `life`.
    """

    life: timedelta
    ratings: frozenset[Rating]
    most_files: int
    most_minor: int

    def can_lock_pack(self, rating: Rating, files: int, price: Money) -> bool:
        """Return True if a pack can be sold as a locked message."""
        return (
            rating in self.ratings
            and 0 < files <= self.most_files
            and price.minor <= self.most_minor
        )


class RailTerms(Protocol):
    """The terms of a rail: `currency` of its prices, `least` the lowest price in minor units,
    `ratings` it may sell, and `life` of an unpaid order.

    `monthly` is the highest monthly subscription price, 0 if the platform does not renew
    subscriptions. With `locked`, one message offers, charges and delivers, and the platform's list
    of earnings is booked.
    """

    platform: str
    name: str
    currency: str
    ratings: frozenset[Rating]
    least: int
    life: timedelta
    locked: bool
    monthly: int
    behind: LockedOfferLimits | None
    """Limits of locked messages on a rail that otherwise sends invoices, or None if it sells none.
    """


class PaymentRail(RailTerms, Protocol):
    """A rail that charges by invoice."""

    def payload(self, tenant_id: UUID, order_id: UUID) -> str:
        """Return the payload that is sent with an invoice and returned with its payment."""
        ...

    def checkout(self, update: ChatUpdate, till: RailTill) -> CheckoutQuery:
        """Read a platform's question before a payment."""
        ...

    def verify(self, update: ChatUpdate, till: RailTill, *, now: datetime) -> PaymentFact:
        """Read a platform's payment message; `now` serves as the time if the message has none."""
        ...


@runtime_checkable
class MonthlyRail(PaymentRail, Protocol):
    """A rail whose platform renews subscriptions itself, every `SUBSCRIPTION_PERIOD`."""

    def monthly_payload(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """Return the payload that is sent with the first invoice of a subscription and returned
        with each paid month."""
        ...


SUBSCRIPTION_PERIOD = timedelta(days=30)
SUBSCRIPTION_PRODUCT = "subscription"
"""The product of one month of a subscription."""

PAID_MEDIA_PRODUCT = "paid_media"
"""The product of media unlocked in the chat, without an order."""

Rails = Mapping[str, PaymentRail]
"""The installed invoice rails by platform."""


class PayloadSigner:
    """Signed references to orders and subscriptions, at most 64 bytes: a version, the ID, and a MAC
    that binds both to the tenant.

    A payload of one kind is never accepted as the other.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def write(self, tenant_id: UUID, order_id: UUID) -> str:
        """Return the payload of an order."""
        return self._encode_payload(VERSION, tenant_id, order_id)

    def read(self, tenant_id: UUID, payload: str) -> UUID | None:
        """Return the order of a payload. Return None if the payload is not ours or belongs to
        another tenant."""
        return self._decode_payload(VERSION, tenant_id, payload)

    def write_monthly(self, tenant_id: UUID, subscription_id: UUID) -> str:
        """Return the payload of a subscription."""
        return self._encode_payload(MONTHLY, tenant_id, subscription_id)

    def read_monthly(self, tenant_id: UUID, payload: str) -> UUID | None:
        """Return the subscription of a payload. Return None if the payload is not ours or belongs
        to another tenant."""
        return self._decode_payload(MONTHLY, tenant_id, payload)

    def _encode_payload(self, version: str, tenant_id: UUID, what: UUID) -> str:
        mac = self._compute_mac(version, tenant_id, what)
        return f"{version}.{_encode_base64(what.bytes)}.{_encode_base64(mac)}"

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
    """Return the receiving account of a channel's payments."""
    return RailTill(channel.tenant_id, channel.id, channel.creator_id, channel.account)
