"""Unsent texts of members, stored for each member and conversation, so that a page reload does not
lose them."""

from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, UniqueConstraint
from sqlmodel import Field

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.ids import uuid7
from subscribers.conversations.models import Conversation
from tenants.presence import presence
from tenants.presence.presence import PresenceSubject

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
        keep="until sent",
    )
    conversation_id: UUID
    member_id: UUID
    text: str
    suggested: str = Field(default="", sa_column_kwargs={"server_default": ""})
    """The part that a model wrote at the member's request."""


def store_unsent_text(scope: Scope, talk: Conversation, member_id: UUID, text: str) -> None:
    """Store the text that a member has written so far; an empty text deletes it. Other members see
    that the member is replying."""
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
    here = PresenceSubject("conversation", talk.id, talk.creator_id)
    presence.record_presence(scope, member_id, here, active=True)


def store_suggested_text(scope: Scope, talk: Conversation, member_id: UUID, text: str) -> None:
    """Store a generated text as the member's unsent text."""
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
    """Return the generated part of the member's unsent text, or "" if there is none."""
    found = scope.run(
        "SELECT suggested FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    ).scalar()
    return str(found or "")


def clear_unsent_text(scope: Scope, conversation_id: UUID, member_id: UUID) -> None:
    """Delete the member's unsent text, after it was sent or discarded."""
    scope.run(
        "DELETE FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    )
    presence.end_activity(scope, member_id, "conversation", conversation_id)


def load_unsent_text(scope: Scope, conversation_id: UUID, member_id: UUID) -> str:
    """Return the member's unsent text, or "" if there is none."""
    found = scope.run(
        "SELECT text FROM composings WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "member_id = :member",
        tenant=scope.tenant_id,
        talk=conversation_id,
        member=member_id,
    ).scalar()
    return str(found or "")
