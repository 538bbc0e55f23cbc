"""Tables of the inbox: what each member has read."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text

import subscribers.conversations.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    TenantRow,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)


class ConversationRead(CreatorOwnedRow, table=True):
    """The last message of a fan that a member has seen in a conversation.

    `unread` is True if the member marked the conversation as unread.
    """

    __tablename__ = "conversation_reads"
    __table_args__ = table_arguments(
        UniqueConstraint(
            "tenant_id", "conversation_id", "member_id", name="conversation_reads_once"
        ),
        Index(
            "conversation_reads_unread",
            "tenant_id",
            "member_id",
            postgresql_where=text("unread"),
        ),
        tenant_foreign_key("conversation_id", "conversations"),
        about="member",
        keep="30 days",
    )
    conversation_id: UUID
    member_id: UUID
    seq: int
    unread: bool


class InboxMark(TenantRow, table=True):
    """The time up to which a member marked all conversations as read."""

    __tablename__ = "inbox_marks"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "member_id", name="inbox_marks_once"),
        about="member",
        keep="while the member is active",
    )
    member_id: UUID
    read_until: datetime = timestamp_column()
