"""Tables of memory: facts about fans, and summaries of conversations."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import UniqueConstraint

import subscribers.conversations.models
import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import CreatorOwnedRow, tenant_foreign_key, timestamp_column
from subscribers.table_columns import chat_table_arguments


class FanMemory(CreatorOwnedRow, table=True):
    """A fact that a fan stated about themselves."""

    __tablename__ = "fan_memories"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id", "key", "normalized", name="fan_memories_once"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    key: str
    """A value of `MemoryKey`."""
    value: str
    normalized: str
    """The value without case and accents, so that a fact is stored once."""
    source: str
    """One of rule, model and member."""
    pinned: bool
    """True if only a member or the fan may change or delete the fact."""


class ConversationSummaryRow(CreatorOwnedRow, table=True):
    """The summary of a conversation up to the message `upto_seq`. The text is empty without a
    model, or after the fan deleted a fact."""

    __tablename__ = "conversation_summaries"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", name="conversation_summaries_once"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    text: str
    upto_seq: int
    summarized_at: datetime | None = timestamp_column(optional=True)
