"""Automated messages about the speaker: an AI character, the AI assistant of a team, or a member of
the team.

The law requires that a machine identifies itself; neither the bot nor a member may pose as the
creator.
"""

from typing import Literal

from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.replies import persona
from subscribers.replies.reply_checks import find_reply_faults
from tenants.agencies import queries

What = Literal["notice", "truth", "person", "truth_person"]
"""Kinds of messages about the speaker. `notice`: the AI answers; `truth`: the AI's answer when
asked; `person`: a member takes over; `truth_person`: a member's answer when asked."""


def speaker_sentence(scope: Scope, talk: Conversation, what: What) -> Message:
    """Return the message about the speaker, for a virtual or a human creator."""
    speaker = persona.active_persona(scope, talk.creator_id)
    creator = queries.get_creator(scope, talk.creator_id)
    virtual = speaker.virtual if speaker is not None else creator.kind == "virtual"
    name = speaker.name if speaker is not None else creator.name
    return Message(
        f"service.{what}.{'virtual' if virtual else 'assistant'}",
        {"name": outgoing_messages.template_value(name)},
    )


def introduce_member(scope: Scope, talk: Conversation) -> None:
    """Inform the fan that a team member is writing, before the member's first message since they
    took over."""
    said = scope.run(
        "SELECT 1 FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk AND epoch = "
        ":epoch"
        " AND service LIKE 'service.person.%' LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
        epoch=talk.epoch,
    ).scalar()
    if not said:
        outgoing_messages.send_automated_message(
            scope, talk, speaker_sentence(scope, talk, "person")
        )


REVIEWED_LANGUAGE = "service.language.reviewed"


def announce_reviewed_language(scope: Scope, talk: Conversation) -> None:
    """Inform the fan, once in a session, that a member checks the replies in their language."""
    announced = scope.run(
        "SELECT 1 FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND service = :code AND created_at >= :since LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
        code=REVIEWED_LANGUAGE,
        since=talk.session_at or scope.now,
    ).scalar()
    if not announced:
        outgoing_messages.send_automated_message(scope, talk, Message("service.language.reviewed"))


def has_person_spoken_last(scope: Scope, talk: Conversation) -> bool:
    """Return True if a member sent our last message. The bot then discloses itself before it
    resumes."""
    last = scope.run(
        "SELECT author FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'out'"
        " AND (author IN ('bot', 'member') OR kind = 'notice') ORDER BY seq DESC LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
    ).scalar()
    return bool(last == "member")


def check_no_impersonation(text: str) -> None:
    """Raise Refused for a member's text that poses as the creator or claims to be online now."""
    if {"denial", "availability"} & set(find_reply_faults(text, instructions="")):
        raise Refused("chat.poses_as_creator")
