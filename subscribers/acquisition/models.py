"""Tables of acquisition links, of the uses of their invites, and of the chats that began through
them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Date, Index, UniqueConstraint
from sqlmodel import Field

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from subscribers.table_columns import accounting_table_args


class AcquisitionLinkRow(CreatorOwnedRow, table=True):
    """A link of one campaign. `destination` is chat, discord or web; `code` is the start parameter
    of a chat."""

    __tablename__ = "acquisition_links"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "code", name="acquisition_links_code"),
        CheckConstraint("cost_minor >= 0", name="acquisition_links_cost"),
        Index("acquisition_links_creator", "tenant_id", "creator_id", "created_at"),
        about="none",
        keep="forever",
    )
    name: str
    source: str
    destination: str
    channel_id: UUID | None = None
    target: str
    slug: str
    code: str
    utm: dict[str, Any] = jsonb_column()
    cost_minor: int | None = Field(default=None, sa_type=BigInteger)
    cost_currency: str = ""
    owner_id: UUID | None = None
    """The member who is responsible for the campaign."""
    first_day: date | None = Field(default=None, sa_type=Date)
    last_day: date | None = Field(default=None, sa_type=Date)
    version: int = 1
    archived_at: datetime | None = timestamp_column(optional=True)


class AcquisitionTouchRow(CreatorOwnedRow, table=True):
    """A fan who opened a chat through a link."""

    __tablename__ = "acquisition_touches"
    __table_args__ = accounting_table_args(
        Index("acquisition_touches_of_fan", "tenant_id", "fan_id", "at"),
        Index("acquisition_touches_recent", "tenant_id", "creator_id", "at"),
        tenant_foreign_key("link_id", "acquisition_links"),
        tenant_foreign_key("fan_id", "fans"),
    )
    link_id: UUID
    fan_id: UUID
    at: datetime = timestamp_column()


class InviteCountRow(CreatorOwnedRow, table=True):
    """The uses of all invites of an account's community by code, as read last."""

    __tablename__ = "invite_counts"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="invite_counts_channel"),
        about="none",
        keep="forever",
    )
    channel_id: UUID
    uses: dict[str, Any] = jsonb_column()
    read_at: datetime = timestamp_column()


class InviteJoinRow(CreatorOwnedRow, table=True):
    """Users who joined by the invite of a link between two readings; by any other invite if
    `link_id` is null."""

    __tablename__ = "invite_joins"
    __table_args__ = table_arguments(
        Index("invite_joins_time", "tenant_id", "channel_id", "until"),
        Index("invite_joins_of_creator", "tenant_id", "creator_id", "until"),
        CheckConstraint("joins > 0", name="invite_joins_positive"),
        tenant_foreign_key("link_id", "acquisition_links"),
        about="none",
        keep="forever",
    )
    channel_id: UUID
    link_id: UUID | None = None
    joins: int
    after: datetime = timestamp_column()
    until: datetime = timestamp_column()
