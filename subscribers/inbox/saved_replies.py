"""Saved replies of members. A saved reply is inserted into a member's unsent text; only the member
sends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from sqlalchemy import UniqueConstraint

from foundation.db.database import Scope
from foundation.db.tables import CreatorOwnedRow, table_arguments
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import LANGUAGES
from subscribers.comments import moderation
from subscribers.conversations import outgoing_messages, unsent_text
from subscribers.conversations.models import Conversation
from subscribers.fans import directory
from subscribers.inbox import member_actions
from subscribers.replies import prompt

MAX_SAVED_REPLIES = 200
"""Maximum number of saved replies of a creator."""

MAX_SAVED_REPLY_NAME_LENGTH = 60

FAN_PLACEHOLDER = "{name}"
"""Placeholder for the fan's display name."""

Place = Literal["both", "private", "public"]
"""The kinds of conversations in which a saved reply may be used."""

SAVED_REPLY_PLACES: tuple[Place, ...] = get_args(Place)
ANY_LANGUAGE = ""
"""The language of a reply that fits fans of every language."""

SAVED_REPLY_LANGUAGES = (ANY_LANGUAGE, *LANGUAGES)


class SavedReplyRow(CreatorOwnedRow, table=True):
    """A text saved by members of an agency for one creator."""

    __tablename__ = "saved_answers"
    __table_args__ = table_arguments(
        UniqueConstraint("tenant_id", "creator_id", "name"),
        about="creator",
        keep="while the tenant exists",
    )
    name: str
    words: str
    language: str
    place: str
    uses: int


@dataclass(frozen=True)
class SavedReply:
    """A saved reply. `uses` counts how often it was inserted."""

    id: UUID
    name: str
    words: str
    language: str
    place: str
    uses: int


def list_saved_replies(scope: Scope, talk: Conversation) -> Sequence[SavedReply]:
    """Return the saved replies for a conversation: those in the fan's language first, then those
    for any language, most used first."""
    rows = scope.run(
        "SELECT id, name, words, language, place, uses FROM saved_answers WHERE tenant_id = :tenant"
        " AND creator_id = :creator AND place IN ('both', :kind)"
        " ORDER BY language = :language DESC, language = '' DESC, uses DESC, lower(name), id "
        "LIMIT :most",
        tenant=scope.tenant_id,
        creator=talk.creator_id,
        kind=talk.kind,
        language=talk.language,
        most=MAX_SAVED_REPLIES,
    )
    return [SavedReply(*row) for row in rows]


def create_saved_reply(
    scope: Scope, talk: Conversation, *, name: str, words: str, language: str, place: str, key: UUID
) -> None:
    """Save a reply for the creator of a conversation, once for each key.

    Raises BadInput for a missing name, or an empty or too long text; Conflict if the name is taken
    or the limit is reached.
    """
    called = _validate_name(name)
    said = _validate_text(words, place)
    if language not in SAVED_REPLY_LANGUAGES or place not in SAVED_REPLY_PLACES:
        raise BadInput("saved.bad_place")
    _lock_saved_replies(scope, talk.creator_id)
    if _has_saved_reply(scope, talk.creator_id, key):
        return
    _check_free(scope, talk.creator_id, called, key)
    count = scope.run(
        "SELECT count(*) FROM saved_answers WHERE tenant_id = :tenant AND creator_id = :creator",
        tenant=scope.tenant_id,
        creator=talk.creator_id,
    ).scalar_one()
    if count >= MAX_SAVED_REPLIES:
        raise Conflict("saved.enough", most=MAX_SAVED_REPLIES)
    row = SavedReplyRow(
        tenant_id=scope.tenant_id,
        id=key,
        creator_id=talk.creator_id,
        name=called,
        words=said,
        language=language,
        place=place,
        uses=0,
    )
    scope.add(row)


def update_saved_reply(
    scope: Scope, talk: Conversation, answer_id: UUID, *, name: str, words: str
) -> None:
    """Change the name and text of a saved reply. Raises NotFound, and the errors of
    `create_saved_reply`."""
    _lock_saved_replies(scope, talk.creator_id)
    called = _validate_name(name)
    said = _validate_text(words, _get_saved_reply(scope, talk, answer_id).place)
    _check_free(scope, talk.creator_id, called, answer_id)
    scope.run(
        "UPDATE saved_answers SET name = :name, words = :words, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND id = :id",
        tenant=scope.tenant_id,
        creator=talk.creator_id,
        id=answer_id,
        name=called,
        words=said,
    )


def delete_saved_reply(scope: Scope, talk: Conversation, answer_id: UUID) -> None:
    """Delete a saved reply; a repeated call changes nothing. Messages sent with it remain."""
    scope.run(
        "DELETE FROM saved_answers WHERE tenant_id = :tenant AND creator_id = :creator AND id = "
        ":id",
        tenant=scope.tenant_id,
        creator=talk.creator_id,
        id=answer_id,
    )


def insert_saved_reply(
    scope: Scope, talk: Conversation, member_id: UUID, answer_id: UUID, *, standing: str, most: int
) -> str:
    """Append a saved reply to a member's unsent text and return the new text. Nothing is sent.

    Inserting the same reply twice in a row changes nothing. Raises NotFound if the reply is
    deleted, belongs to another creator, or may not be used in this kind of conversation. Raises
    BadInput if the text would exceed `most` characters.
    """
    words = fill_saved_reply(
        _get_saved_reply(scope, talk, answer_id).words, _get_fan_name(scope, talk)
    )
    before = standing.rstrip()
    if before == words or before.endswith(f"\n{words}"):
        return standing
    whole = f"{before}\n{words}" if before else words
    if len(whole) > most:
        raise BadInput("chat.too_long", most=most, count=len(whole)).about("text")
    unsent_text.store_unsent_text(scope, talk, member_id, whole)
    scope.run(
        "UPDATE saved_answers SET uses = uses + 1 WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=answer_id,
    )
    return whole


def fill_saved_reply(words: str, name: str) -> str:
    """Return a saved reply with the fan's name, as one short line of plain characters, in place of
    the placeholder. Pure."""
    return words.replace(
        FAN_PLACEHOLDER, outgoing_messages.template_value(prompt.strip_invisible(name))
    )


def _get_fan_name(scope: Scope, talk: Conversation) -> str:
    return directory.get_fan_identity(scope, talk.fan_id, talk.channel_id).display_name


def _get_saved_reply(scope: Scope, talk: Conversation, answer_id: UUID) -> SavedReply:
    found = next((one for one in list_saved_replies(scope, talk) if one.id == answer_id), None)
    if found is None:
        raise NotFound("saved.unknown")
    return found


def _validate_name(name: str) -> str:
    called = " ".join(prompt.strip_invisible(name).split())
    if not 0 < len(called) <= MAX_SAVED_REPLY_NAME_LENGTH:
        raise BadInput("saved.bad_name", most=MAX_SAVED_REPLY_NAME_LENGTH).about("name")
    return called


def _validate_text(words: str, place: str) -> str:
    said = words.replace("\x00", "").strip()
    most = (
        member_actions.MAX_REPLY_LENGTH
        if place == "private"
        else moderation.MAX_COMMENT_ANSWER_LENGTH
    )
    if not said:
        raise BadInput("saved.no_words").about("words")
    if len(said) > most:
        raise BadInput("chat.too_long", most=most, count=len(said)).about("text")
    return said


def _lock_saved_replies(scope: Scope, creator_id: UUID) -> None:
    """Lock the saved replies of a creator, so that the limit holds for concurrent saves."""
    scope.lock(f"saved:{scope.tenant_id}:{creator_id}")


def _has_saved_reply(scope: Scope, creator_id: UUID, answer_id: UUID) -> bool:
    found = scope.run(
        "SELECT 1 FROM saved_answers WHERE tenant_id = :tenant AND creator_id = :creator AND id = "
        ":id",
        tenant=scope.tenant_id,
        creator=creator_id,
        id=answer_id,
    ).scalar()
    return found is not None


def _check_free(scope: Scope, creator_id: UUID, name: str, answer_id: UUID) -> None:
    taken = scope.run(
        "SELECT 1 FROM saved_answers WHERE tenant_id = :tenant AND creator_id = :creator AND name "
        "= :name"
        " AND id <> :id",
        tenant=scope.tenant_id,
        creator=creator_id,
        name=name,
        id=answer_id,
    ).scalar()
    if taken is not None:
        raise Conflict("saved.name_taken", name=name)
