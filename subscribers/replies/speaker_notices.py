"""Who speaks to a fan, in fixed sentences: an AI character, the AI assistant of a team, or a person
of the team.

The law asks that a machine says what it is; nobody, machine or member, passes for the creator in
person.
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
"""A machine answers; asked, a machine says so; a person takes over; asked, a person says so."""


def speaker_sentence(scope: Scope, talk: Conversation, what: What) -> Message:
    """The fixed sentence of who speaks, by what the creator is."""
    speaker = persona.active_persona(scope, talk.creator_id)
    creator = queries.get_creator(scope, talk.creator_id)
    virtual = speaker.virtual if speaker is not None else creator.kind == "virtual"
    name = speaker.name if speaker is not None else creator.name
    return Message(
        f"service.{what}.{'virtual' if virtual else 'assistant'}",
        {"name": outgoing_messages.template_value(name)},
    )


def introduce_member(scope: Scope, talk: Conversation) -> None:
    """Before a member's first words since they took over, the fan reads that a person of the team
    writes now."""
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


def has_person_spoken_last(scope: Scope, talk: Conversation) -> bool:
    """Whether the last to speak on our side was a person: the machine says what it is before it
    goes on."""
    last = scope.run(
        "SELECT author FROM messages WHERE tenant_id = :tenant AND conversation_id = :talk AND "
        "direction = 'out'"
        " AND (author IN ('bot', 'member') OR kind = 'notice') ORDER BY seq DESC LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
    ).scalar()
    return bool(last == "member")


def check_no_impersonation(text: str) -> None:
    """Raise Refused for a member's words that pass for the creator in person, or for somebody
    waiting online."""
    if {"denial", "availability"} & set(find_reply_faults(text, instructions="")):
        raise Refused("chat.poses_as_creator")
