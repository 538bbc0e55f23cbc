"""Tables of the room: fans, conversations, drafts, personas, offers, orders, payments."""

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
    """A fan's chat on one account, with exactly one owner; what an older epoch wrote is never sent.
    What they say in everybody's sight is another one: `kind` is private or public."""

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
    """Start of the session: a fan away for a day begins a new one."""
    unanswered_since: datetime | None = timestamp_column(optional=True)
    redone: int = 0
    """Turns in a row thrown away because the fan wrote on."""
    unsure: int = 0
    """Answers in a row of little confidence."""
    snoozed_until: datetime | None = timestamp_column(optional=True)


class ConversationMove(CreatorOwnedRow, table=True):
    """A change of owner, append-only: one row for each epoch."""

    __tablename__ = "conversation_moves"
    __table_args__ = chat_table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "epoch"),
        tenant_foreign_key("conversation_id", "conversations"),
    )
    conversation_id: UUID
    epoch: int
    before: str
    after: str
    by: str
    reason: dict[str, Any] | None = message_column()


class PublicComment(CreatorOwnedRow, table=True):
    """A line of a public conversation: where on the platform it was said. `under` is the native id
    of our post, "" where nobody told; `state` is open, answered, hidden, deleted or done, what was
    done with it last; `liked` by the account, as far as it was done here."""

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
    """An outgoing message. `origin` is bot, member or auto; `service` the code of a catalogue
    sentence."""

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
        tenant_foreign_key("conversation_id", "conversations"),
        tenant_foreign_key("remark_id", "remarks"),
    )
    conversation_id: UUID
    channel_id: UUID
    epoch: int
    in_reply_to_seq: int
    origin: str
    kind: str
    """text, notice, invoice, pack, locked (a pack behind its price), service or remark, an answer
    in everybody's sight."""
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
    written_by: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The member whose words these are: who typed or rewrote them; empty for a model's and the
    house's."""


class ChatMessage(CreatorOwnedRow, table=True):
    """One line of a conversation, in the order `seq`."""

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
    """in or out."""
    author: str
    """fan, bot, member or system."""
    kind: str
    body: str
    native_id: str
    draft_id: UUID | None = None
    media: list[str] = jsonb_column(list)
    at: datetime = timestamp_column()


class SafetyEvent(CreatorOwnedRow, table=True):
    """A signal of crisis, minority or doubt about who speaks; the words themselves are not kept
    here."""

    __tablename__ = "safety_events"
    __table_args__ = table_arguments(
        tenant_foreign_key("conversation_id", "conversations"), about="nobody", keep="5 years"
    )
    conversation_id: UUID
    kind: str
    layer: str
    excerpt_digest: str
    action: str
