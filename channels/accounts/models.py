"""Tables of the room: accounts, their tokens and limits, every attempt to send, cursors, short
links."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field

from channels.accounts.states import ChannelState
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    jsonb_column,
    message_column,
    table_arguments,
    timestamp_column,
)


def channel_foreign_key() -> ForeignKeyConstraint:
    """The key of a row that belongs to an account."""
    return ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"])


class ChannelRow(CreatorOwnedRow, table=True):
    """A creator's account on a platform."""

    __tablename__ = "channels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "account", name="channels_account"),
        Index("channels_creator", "tenant_id", "creator_id"),
        Index("channels_application", "app_key", postgresql_where=text("app_key IS NOT NULL")),
        about="creator",
        keep="while the tenant is here",
    )
    platform: str
    surface: str
    chat_surface: str = ""
    """The surface of one-to-one messages; empty where the account has no chat."""
    account: str
    base_url: str
    name: str
    state: str = ChannelState.ACTIVE
    reason: dict[str, Any] | None = message_column()
    paused_until: datetime | None = timestamp_column(optional=True)
    rest: dict[str, Any] | None = (
        message_column()
    )  # `reason` and `until` of the pause it was lost in, and returns to
    min_gap_seconds: int = 0
    zone: str
    last_ok_at: datetime | None = timestamp_column(optional=True)
    options: dict[str, Any] = jsonb_column()
    app_key: UUID | None = None
    """Of the application whose limits it shares with other accounts; none where it has its own."""


class TokenRow(TenantRow, table=True):
    """The sealed credential of a channel. `generation` grows at each rotation; its renewal is
    `channels/accounts/credentials.py`."""

    __tablename__ = "tokens"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="tokens_channel"),
        channel_foreign_key(),
        about="creator",
        keep="while the channel is connected",
    )
    channel_id: UUID
    box: bytes = Field(sa_type=LargeBinary)
    refresh_box: bytes | None = Field(default=None, sa_type=LargeBinary)
    generation: int = 1
    expires_at: datetime | None = timestamp_column(optional=True)
    since: datetime | None = timestamp_column(optional=True)
    """When this pair came."""
    refresh_state: str = "idle"
    """`asking` while a worker renews it, until `refresh_until`."""
    refresh_until: datetime | None = timestamp_column(optional=True)
    refused: int = 0
    """The generation the platform refused last, at `refused_at`."""
    refused_at: datetime | None = timestamp_column(optional=True)
    doubts: int = 0
    """How often this refresh token was shown without a usable answer, first at `doubted_at`."""
    doubted_at: datetime | None = timestamp_column(optional=True)


class OAuthClientRow(TenantRow, table=True):
    """What the agency registered at a platform, by which its accounts there sign in; its id is
    their `app_key`."""

    __tablename__ = "oauth_clients"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "client_id", name="oauth_clients_once"),
        about="tenant",
        keep="while the tenant is here",
    )
    platform: str
    client_id: str
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    """Its secret, sealed; none of a client that has none."""
    call_letter: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The secret that the platform's calls are signed with, as a page sealed it; none where calls
    are not taken."""
    called_at: datetime | None = timestamp_column(optional=True)
