"""Tables of fans: people, their identities on accounts, and derived facts."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field

from foundation.db.tables import CreatorOwnedRow, jsonb_column, tenant_foreign_key, timestamp_column
from subscribers.table_columns import chat_table_arguments


class Fan(CreatorOwnedRow, table=True):
    """A person who writes to one creator. Their age is not stored here but in
    `gate.viewers.age_assurance`, by identity."""

    __tablename__ = "fans"
    __table_args__ = chat_table_arguments()
    display_name: str
    language: str
    tz: str | None = None
    opt_out: str = "none"
    """One of none, sales and all."""
    status: str = "active"
    """One of active, blocked, merged and erased."""
    disclosed_at: datetime | None = timestamp_column(optional=True)
    """Time at which the last AI disclosure arrived."""
    notice_version: str | None = None


class FanIdentity(CreatorOwnedRow, table=True):
    """A fan on one of our accounts."""

    __tablename__ = "fan_identities"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id"),
        Index("fan_identities_fan", "tenant_id", "fan_id"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    channel_id: UUID
    native_id: str
    handle: str
    reachable: str = "yes"
    """One of yes, blocked_us, dm_closed and gone."""


class FanFacts(CreatorOwnedRow, table=True):
    """The read model of a fan, only ever rebuilt from ledger and messages."""

    __tablename__ = "fan_facts"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id"), tenant_foreign_key("fan_id", "fans")
    )
    fan_id: UUID
    spent: dict[str, Any] = jsonb_column()
    """Minor units by currency, minus refunds."""
    buys: int = 0
    messages_in: int = 0
    messages_out: int = 0
    last_in_at: datetime | None = timestamp_column(optional=True)
    last_out_at: datetime | None = timestamp_column(optional=True)


class FanScore(CreatorOwnedRow, table=True):
    """A prediction about a fan, replaced every night: `task` is what it predicts.

    `chance` is a probability, `purchases` and the amounts concern the next 90 days, `grade` is A to
    D or empty. `low_minor` and `high_minor` are the bounds of an 80 % interval.
    """

    __tablename__ = "fan_scores"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id", "task", "currency"),
        Index("fan_scores_of_creator", "tenant_id", "creator_id", "task"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    task: str
    currency: str = ""
    chance: float | None = None
    purchases: float | None = None
    value_minor: int | None = Field(default=None, sa_type=BigInteger)
    low_minor: int | None = Field(default=None, sa_type=BigInteger)
    high_minor: int | None = Field(default=None, sa_type=BigInteger)
    grade: str = ""
    computed_at: datetime = timestamp_column()
