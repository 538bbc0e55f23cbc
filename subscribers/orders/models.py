"""Tables of orders: payments, fulfilments, entitlements and refunds."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    message_column,
    tenant_foreign_key,
    timestamp_column,
)
from subscribers.table_columns import accounting_table_args, amount_column


class Order(CreatorOwnedRow, table=True):
    """An order of a fan for a pack, with the price and pack version at the time of the offer."""

    __tablename__ = "orders"
    __table_args__ = accounting_table_args(
        Index("orders_of_fan", "tenant_id", "fan_id", "state"),
        Index("orders_by_day", "tenant_id", "creator_id", "created_at"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    conversation_id: UUID
    channel_id: UUID
    offer_id: UUID | None = None
    pack_id: UUID
    pack_version: int
    title: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    state: str
    way: str = Field(default="invoice", sa_column_kwargs={"server_default": "invoice"})
    """`invoice`, or `locked` for a pack that is delivered inside a locked message."""
    expires_at: datetime = timestamp_column()
    checkout_at: datetime | None = timestamp_column(optional=True)
    """Time of the last checkout query; for a locked message, the time the platform reported the
    purchase."""
    reason: dict[str, Any] | None = message_column()


class Payment(CreatorOwnedRow, table=True):
    """A charge. Bookings, entitlements and refunds depend on charges alone. `kind` is matched,
    duplicate or orphan."""

    __tablename__ = "payments"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "rail", "account", "charge_id"),
        Index("payments_of_order", "tenant_id", "order_id"),
        Index("payments_recent", "tenant_id", "creator_id", "at"),
        tenant_foreign_key("order_id", "orders"),
        tenant_foreign_key("fan_id", "fans"),
    )
    rail: str
    account: str
    channel_id: UUID
    charge_id: str
    order_id: UUID | None = None
    fan_id: UUID | None = None
    payer: str
    amount_minor: int = amount_column()
    currency: str
    product: str
    kind: str
    recovered: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the charge was found in the platform's list and no event reported it."""
    at: datetime = timestamp_column()


class Fulfilment(CreatorOwnedRow, table=True):
    """The single push of a paid pack to its fan."""

    __tablename__ = "fulfilments"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"),
        tenant_foreign_key("payment_id", "payments"),
        tenant_foreign_key("order_id", "orders"),
    )
    payment_id: UUID
    order_id: UUID
    fan_id: UUID
    conversation_id: UUID
    channel_id: UUID
    pack_id: UUID
    pack_version: int
    state: str
    attempt: int = 0
    lookups: int = 0
    deadline_at: datetime | None = timestamp_column(optional=True)
    native_id: str | None = None
    settled_at: datetime | None = timestamp_column(optional=True)
    reason: dict[str, Any] | None = message_column()


class Entitlement(CreatorOwnedRow, table=True):
    """A pack that a fan owns, permanently or until its payment is refunded."""

    __tablename__ = "entitlements"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"),
        Index("entitlements_of_fan", "tenant_id", "fan_id", "pack_id"),
        tenant_foreign_key("payment_id", "payments"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    pack_id: UUID
    pack_version: int
    title: str
    payment_id: UUID
    state: str
    """`active` or `revoked`."""


class Refund(CreatorOwnedRow, table=True):
    """A refund of a payment."""

    __tablename__ = "refunds"
    __table_args__ = accounting_table_args(
        UniqueConstraint("tenant_id", "payment_id"), tenant_foreign_key("payment_id", "payments")
    )
    payment_id: UUID
    state: str
    reason: dict[str, Any] | None = message_column()
    by: str
    tries: int = 0
    done_at: datetime | None = timestamp_column(optional=True)
