"""Tables of accounts: accounts, their tokens, and the OAuth clients of agencies."""

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
    """Return the foreign key of a row that belongs to an account."""
    return ForeignKeyConstraint(["tenant_id", "channel_id"], ["channels.tenant_id", "channels.id"])


class ChannelRow(CreatorOwnedRow, table=True):
    """A creator's account on a platform."""

    __tablename__ = "channels"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "account", name="channels_account"),
        Index("channels_creator", "tenant_id", "creator_id"),
        # A platform account belongs to one agency at a time. Exempt are accounts whose access was
        # lost, manual accounts, which anyone can type, and creators' own pages, which creators name
        # themselves.
        Index(
            "channels_held",
            "platform",
            "account",
            unique=True,
            postgresql_where=text(
                "state IN ('active', 'paused', 'leaving')"
                " AND platform NOT IN ('byhand', 'own_page')"
            ),
        ),
        Index("channels_application", "app_key", postgresql_where=text("app_key IS NOT NULL")),
        about="creator",
        keep="while the tenant exists",
    )
    platform: str
    surface: str
    chat_surface: str = ""
    """The surface of one-to-one messages; empty for accounts without chat."""
    account: str
    base_url: str
    name: str
    state: str = ChannelState.ACTIVE
    reason: dict[str, Any] | None = message_column()
    paused_until: datetime | None = timestamp_column(optional=True)
    rest: dict[str, Any] | None = (
        message_column()
    )  # `reason` and `until` of a pause that was active when access was lost, to restore it
    min_gap_seconds: int = 0
    zone: str
    last_ok_at: datetime | None = timestamp_column(optional=True)
    options: dict[str, Any] = jsonb_column()
    app_key: UUID | None = None
    """The application whose limits the account shares with others, or None if it shares none."""


class TokenRow(TenantRow, table=True):
    """The sealed credentials of a channel.

    `generation` grows at each renewal (`channels/accounts/credentials.py`).
    """

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
    """Time at which this pair was received."""
    refresh_state: str = "idle"
    """`asking` while a worker renews the pair, until `refresh_until`."""
    refresh_until: datetime | None = timestamp_column(optional=True)
    refused: int = 0
    """The generation that the platform refused last, at `refused_at`."""
    refused_at: datetime | None = timestamp_column(optional=True)
    doubts: int = 0
    """Number of uses of this refresh token without a usable response, the first at `doubted_at`."""
    doubted_at: datetime | None = timestamp_column(optional=True)


class OAuthClientRow(TenantRow, table=True):
    """A client that the agency registered at a platform and that its accounts sign in with; its ID
    is their `app_key`."""

    __tablename__ = "oauth_clients"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "platform", "client_id", name="oauth_clients_once"),
        about="tenant",
        keep="while the tenant exists",
    )
    platform: str
    client_id: str
    box: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The sealed client secret, or None for a client without one."""
    call_letter: bytes | None = Field(default=None, sa_type=LargeBinary)
    """The signing secret of the platform's webhooks, as sealed by a page, or None if webhooks are
    not received."""
    called_at: datetime | None = timestamp_column(optional=True)
