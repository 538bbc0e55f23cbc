"""Notes of members about a fan, for members only; neither a model nor the fan reads them."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint

import subscribers.fans.models  # noqa: F401  foreign keys refer to its tables
from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.errors import BadInput
from subscribers.conversations.models import Conversation

MAX_NOTE_LENGTH = 500
SHOWN = 20
"""Maximum number of notes shown."""


class FanNote(CreatorOwnedRow, table=True):
    """A note of a member about a fan."""

    __tablename__ = "fan_notes"
    __table_args__ = table_arguments(
        ForeignKeyConstraint(["tenant_id", "fan_id"], ["fans.tenant_id", "fans.id"]),
        about="fan",
        keep="18 months after the last activity",
    )
    fan_id: UUID
    member_id: UUID
    body: str


@dataclass(frozen=True)
class FanNoteView:
    """A note with its author and time."""

    id: UUID
    member_id: UUID
    body: str
    at: datetime


def add_fan_note(
    scope: Scope, talk: Conversation, member_id: UUID, body: str, *, key: UUID
) -> None:
    """Add a note about the fan of a conversation, once for each key. Raises BadInput if it is empty
    or too long."""
    words = body.strip()
    if not 0 < len(words) <= MAX_NOTE_LENGTH:
        raise BadInput("note.bad_length", most=MAX_NOTE_LENGTH).about("text")
    scope.run(
        "INSERT INTO fan_notes (tenant_id, id, creator_id, fan_id, member_id, body)"
        " VALUES (:tenant, :id, :creator, :fan, :member, :body) ON CONFLICT DO NOTHING",
        tenant=scope.tenant_id,
        id=key,
        creator=talk.creator_id,
        fan=talk.fan_id,
        member=member_id,
        body=words,
    )


def list_fan_notes(scope: Scope, fan_id: UUID) -> list[FanNoteView]:
    """Return the latest notes about a fan, newest first."""
    rows = scope.run(
        "SELECT id, member_id, body, created_at FROM fan_notes WHERE tenant_id = :tenant AND "
        "fan_id = :fan"
        " ORDER BY id DESC LIMIT :most",
        tenant=scope.tenant_id,
        fan=fan_id,
        most=SHOWN,
    )
    return [FanNoteView(*row) for row in rows]
