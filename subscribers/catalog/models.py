"""Tables of the catalog: prices of packs, offers made to fans, and recommended packs."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from subscribers.table_columns import amount_column, chat_table_arguments


class Price(CreatorOwnedRow, table=True):
    """The price of a pack on a rail."""

    __tablename__ = "prices"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "pack_id", "rail", "currency"),
        CheckConstraint("amount_minor > 0", name="prices_positive"),
        about="none",
        keep="forever",
    )
    pack_id: UUID
    rail: str
    currency: str
    amount_minor: int = amount_column()


class Offer(CreatorOwnedRow, table=True):
    """A pack offered to a fan at a price that is valid until `expires_at`."""

    __tablename__ = "offers"
    __table_args__ = chat_table_arguments(
        Index("offers_of_fan", "tenant_id", "fan_id", "pack_id"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    conversation_id: UUID
    pack_id: UUID
    pack_version: int
    title: str
    rail: str
    currency: str
    amount_minor: int = amount_column()
    state: str
    """One of shown, accepted, declined, expired and withdrawn."""
    expires_at: datetime = timestamp_column()
    requested: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the fan asked for the list of packs; such offers do not count toward the daily
    maximum."""


class PackRecommendation(CreatorOwnedRow, table=True):
    """The packs recommended to a fan, or to a creator's other fans (`fan_id` is None), replaced
    every night."""

    __tablename__ = "pack_recommendations"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "fan_id", postgresql_nulls_not_distinct=True),
        Index("pack_recommendations_fan", "tenant_id", "fan_id"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID | None = None
    packs: list[Any] = jsonb_column(list)
    """IDs of packs, best first."""
    basis: str
    computed_at: datetime = timestamp_column()
