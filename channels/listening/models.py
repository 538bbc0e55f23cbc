"""Tables of listening: the cursors of each account, and its webhook subscription."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import UniqueConstraint

from channels.accounts.models import channel_foreign_key
from foundation.db.tables import (
    TenantRow,
    message_column,
    table_arguments,
    timestamp_column,
)


class ListenCursorRow(TenantRow, table=True):
    """Cursor of the updates of a chat account."""

    __tablename__ = "listen_cursors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="listen_cursors_channel"),
        channel_foreign_key(),
        about="none",
        keep="while the channel is connected",
    )
    channel_id: UUID
    cursor: str


class CommentCursorRow(TenantRow, table=True):
    """Cursor of the comments of an account, with the times of the last and the next read."""

    __tablename__ = "remark_cursors"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="remark_cursors_channel"),
        channel_foreign_key(),
        about="none",
        keep="while the channel is connected",
    )
    channel_id: UUID
    cursor: str
    heard_at: datetime = timestamp_column()
    due_at: datetime = timestamp_column()


class WebhookSubscriptionRow(TenantRow, table=True):
    """Webhook subscription of an account; `generation` is that of the token it was made with."""

    __tablename__ = "call_subscriptions"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "channel_id", name="call_subscriptions_channel"),
        channel_foreign_key(),
        about="none",
        keep="while the channel is connected",
    )
    channel_id: UUID
    state: str
    reason: dict[str, Any] | None = message_column()
    generation: int
    due_at: datetime = timestamp_column()
    called_at: datetime | None = timestamp_column(optional=True)
