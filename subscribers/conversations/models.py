"""Tables of conversations: conversations, comments, drafts, messages and safety events."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.tables import (
    CreatorOwnedRow,
    jsonb_column,
    message_column,
    table_arguments,
    tenant_foreign_key,
    timestamp_column,
)
from subscribers.table_columns import chat_table_arguments


class Conversation(CreatorOwnedRow, table=True):
    """A fan's conversation on one account, with exactly one owner. Drafts of an older epoch are
    never sent.

    `kind` is private or public; a fan's public comments form a separate conversation.
    """

    __tablename__ = "conversations"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "fan_id", "channel_id", "kind", name="conversations_once"),
        tenant_foreign_key("fan_id", "fans"),
    )
    fan_id: UUID
    channel_id: UUID
    kind: str = Field(default="private", sa_column_kwargs={"server_default": "private"})
    owner: str
    owner_member_id: UUID | None = None
    epoch: int = 1
    safety_hold: bool = False
    reason: dict[str, Any] | None = message_column()
    priority: int = 5
    language: str
    last_in_seq: int = 0
    last_seq: int = 0
    last_in_at: datetime | None = timestamp_column(optional=True)
    session_at: datetime | None = timestamp_column(optional=True)
    """Start of the session; a fan who was silent for a day starts a new one."""
    unanswered_since: datetime | None = timestamp_column(optional=True)
    redone: int = 0
    """Consecutive generated replies that were discarded because the fan sent another message."""
    unsure: int = 0
    """Consecutive replies of low confidence."""
    snoozed_until: datetime | None = timestamp_column(optional=True)


class ConversationMove(CreatorOwnedRow, table=True):
    """A change of owner, append-only: one row for each epoch."""

    __tablename__ = "conversation_moves"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "epoch"),
        Index("conversation_moves_of_creator", "tenant_id", "creator_id", "created_at"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    epoch: int
    before: str
    after: str
    by: str
    reason: dict[str, Any] | None = message_column()


class PublicComment(CreatorOwnedRow, table=True):
    """A comment, stored as a message of a public conversation.

    `under` is the native ID of our post, "" if unknown. `state` is open, answered, hidden, deleted
    or done, the last action taken. `liked` covers only likes made in this system.
    """

    __tablename__ = "remarks"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "channel_id", "native_id"),
        UniqueConstraint("tenant_id", "conversation_id", "seq"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    channel_id: UUID
    seq: int
    native_id: str
    under: str
    url: str
    said_at: datetime | None = timestamp_column(optional=True)
    state: str
    liked: bool = False


class Draft(CreatorOwnedRow, table=True):
    """An outgoing message. `origin` is bot, member or auto; `service` is the code of an automated
    message."""

    __tablename__ = "drafts"
    __table_args__ = chat_table_arguments(
        Index("drafts_of_conversation", "tenant_id", "conversation_id", "state"),
        Index(
            "drafts_locked",
            "tenant_id",
            "channel_id",
            "native_id",
            postgresql_where=text("kind = 'locked'"),
        ),
        Index(
            "drafts_of_bot",
            "tenant_id",
            "creator_id",
            "created_at",
            postgresql_where=text("origin = 'bot'"),
        ),
        tenant_foreign_key("conversation_id", "conversations"),
        tenant_foreign_key("remark_id", "remarks"),
    )
    conversation_id: UUID
    channel_id: UUID
    epoch: int
    in_reply_to_seq: int
    origin: str
    kind: str
    """One of text, notice, invoice, pack, locked (a pack in a locked message), service, and remark
    (a public answer to a comment)."""
    state: str
    text: str = ""
    service: str = ""
    buttons: list[dict[str, Any]] = jsonb_column(list)
    media: list[dict[str, Any]] = jsonb_column(list)
    invoice: dict[str, Any] | None = message_column()
    offer_id: UUID | None = None
    order_id: UUID | None = None
    remark_id: UUID | None = None
    language: str
    expires_at: datetime = timestamp_column()
    attempt: int = 0
    lookups: int = 0
    deadline_at: datetime | None = timestamp_column(optional=True)
    native_id: str | None = None
    approved_by: str | None = None
    reason: dict[str, Any] | None = message_column()
    prompt_digest: str = ""
    model: str = ""
    tokens: int = 0
    confidence_pct: int | None = None
    original_text: str = ""
    edit_percent: int | None = None
    """Percentage of a generated text that the approving member changed; None before a review."""
    refused: bool = Field(default=False, sa_column_kwargs={"server_default": "false"})
    """True if the checks did not allow the generated text to be sent as it was."""
    written_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The member who wrote or rewrote the text; empty for generated and automated messages."""


class ChatMessage(CreatorOwnedRow, table=True):
    """A message of a conversation, ordered by `seq`."""

    __tablename__ = "messages"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "seq"),
        UniqueConstraint("tenant_id", "conversation_id", "direction", "native_id"),
        Index("messages_recent", "tenant_id", "creator_id", "at"),
        tenant_foreign_key("conversation_id", "conversations"),
        tenant_foreign_key("draft_id", "drafts"),
    )
    conversation_id: UUID
    seq: int
    direction: str
    """`in` or `out`."""
    author: str
    """One of fan, bot, member and system."""
    kind: str
    body: str
    native_id: str
    draft_id: UUID | None = None
    media: list[str] = jsonb_column(list)
    at: datetime = timestamp_column()


class MessageSentiment(CreatorOwnedRow, table=True):
    """The estimated sentiment of a fan's message or comment; see `states.Sentiment`.

    `score` is the probability of the sentiment, and `toxicity` that of an insult or a threat; both
    are None in languages that are not analysed. `delivery_id` is our post under which a comment
    was written, None for messages and if it is unknown. `version` is that of the method.
    """

    __tablename__ = "message_sentiments"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "message_id"),
        Index("message_sentiments_of_creator", "tenant_id", "creator_id", "at"),
        Index("message_sentiments_of_conversation", "tenant_id", "conversation_id"),
        Index(
            "message_sentiments_of_post",
            "tenant_id",
            "delivery_id",
            "sentiment",
            postgresql_where=text("delivery_id IS NOT NULL"),
        ),
        tenant_foreign_key("message_id", "messages"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    message_id: UUID
    conversation_id: UUID
    is_comment: bool
    delivery_id: UUID | None = None
    at: datetime = timestamp_column()
    sentiment: str
    score: float | None = None
    toxicity: float | None = None
    version: int


class SafetyEvent(CreatorOwnedRow, table=True):
    """A signal of crisis, minority, or doubt about the fan's identity. The text is not stored
    here."""

    __tablename__ = "safety_events"
    __table_args__ = table_arguments(
        tenant_foreign_key("conversation_id", "conversations"), about="none", keep="5 years"
    )
    conversation_id: UUID
    kind: str
    layer: str
    excerpt_digest: str
    action: str
