"""What members are writing and have not sent: kept per member and conversation, so that no reload
loses it."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.ids import uuid7
from subscribers.conversations.models import Conversation

WRITING_WINDOW = timedelta(seconds=20)
"""After so long without a word kept, a member is not said to be writing any more."""

MAX_UNSENT_LENGTH = 4000


class UnsentText(CreatorOwnedRow, table=True):
    """A member's unsent text in one conversation."""

    __tablename__ = "composings"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "conversation_id", "member_id"),
        ForeignKeyConstraint(
            ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"]
        ),
        about="fan",
        keep="until it is sent",
    )
    conversation_id: UUID
    member_id: UUID
    text: str
    suggested: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """What a model wrote of it, where the member asked for that."""


def store_unsent_text(scope: Scope, talk: Conversation, member_id: UUID, text: str) -> None:
    """Keep what a member has written so far; an empty text is forgotten."""
    if not text.strip():
        clear_unsent_text(scope, talk.id, member_id)
        return
    scope.run(
        "INSERT INTO composings (tenant_id, id, creator_id, conversation_id, member_id, text)"
        " VALUES (:tenant, :id, :creator, :talk, :member, :text)"
        " ON CONFLICT (tenant_id, conversation_id, member_id)"
        " DO UPDATE SET text = EXCLUDED.text, updated_at = house_now()",
        tenant=scope.tenant_id,
        id=uuid7(),
        creator=talk.creator_id,
        talk=talk.id,
        member=member_id,
        text=text[:MAX_UNSENT_LENGTH],
    )


def store_suggested_text(scope: Scope, talk: Conversation, member_id: UUID, text: str) -> None:
    """Lay a model's words into a member's box."""
    store_unsent_text(scope, talk, member_id, text)
    scope.run(
        "UPDATE composings SET suggested = text WHERE tenant_id = :tenant AND conversation_id = "
        ":talk"
        " AND member_id = :member",
        tenant=scope.tenant_id,
        talk=talk.id,
        member=member_id,
    )


def load_suggested_text(scope: Scope, conversation_id: UUID, member_id: UUID) -> str:
    """What a model wrote of what the member has here; "" for nothing."""
    found = scope.run(
        "SELECT suggested FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    ).scalar()
    return str(found or "")


def clear_unsent_text(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """The text was sent, or taken back."""
    scope.run(
        "DELETE FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    )


def load_unsent_text(scope: Scope, conversation_id: UUID, member_id: UUID) -> str:
    """What the member had written here; "" for nothing."""
    found = scope.run(
        "SELECT text FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    ).scalar()
    return str(found or "")


def other_members_writing(scope: Scope, conversation_id: UUID, member_id: UUID) -> tuple[UUID, ...]:
    """The other members who are writing here now."""
    found = scope.run(
        "SELECT member_id FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND member_id <> :member AND updated_at > :since ORDER BY member_id",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
        since=scope.now - WRITING_WINDOW,
    )
    return tuple(found.scalars())
