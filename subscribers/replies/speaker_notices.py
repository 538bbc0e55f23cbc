"""Automated messages about the speaker: an AI character, the AI assistant of a team, or a member of
the team.

The law requires that a machine identifies itself; neither the bot nor a member may pose as the
creator. An AI that does not reply is not announced: without an active persona, or with one that is
switched off, the messages name the team and say that only commands and orders are automatic.
"""

from datetime import timedelta
from typing import Literal

from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import OwnerState
from subscribers.fans import directory
from subscribers.replies import persona
from subscribers.replies.reply_checks import find_reply_faults
from tenants.agencies import queries

What = Literal["notice", "truth", "person", "truth_person"]
"""Kinds of messages about the speaker. `notice`: who answers; `truth`: the automatic answer when
asked; `person`: a member takes over; `truth_person`: a member's answer when asked."""

NOTICE_AGAIN = timedelta(hours=3)
"""Interval at which the AI disclosure is repeated in a session; each new session starts with it."""


def speaker_sentence(scope: Scope, talk: Conversation, what: What) -> Message:
    """Return the message about the speaker, for a virtual or a human creator, with or without an
    AI that replies."""
    speaker = persona.active_persona(scope, talk.creator_id)
    creator = queries.get_creator(scope, talk.creator_id)
    virtual = speaker.virtual if speaker is not None else creator.kind == "virtual"
    name = speaker.name if speaker is not None else creator.name
    if replies_with_ai(speaker):
        variant = "virtual" if virtual else "assistant"
    else:
        variant = "virtual_team" if virtual else "team"
    return Message(f"service.{what}.{variant}", {"name": outgoing_messages.template_value(name)})


def replies_with_ai(speaker: persona.PersonaVersion | None) -> bool:
    """Return True if an AI replies to the fans of a creator with this active persona. Otherwise
    members do."""
    return speaker is not None and speaker.level != "off"


def send_speaker_notice(scope: Scope, talk: Conversation, *, is_new_session: bool) -> None:
    """Inform the fan who replies, if they do not know: before the first reply, and when it changes.
    That an AI replies is repeated in each new session, every three hours, and when the bot resumes
    after a member.

    While a member answers, it would not be true and is not sent.
    """
    if OwnerState(talk.owner) is OwnerState.HUMAN:
        return
    notice = speaker_sentence(scope, talk, "notice")
    disclosed_at, known, waiting = (
        scope.run(  # One statement: between two, the notice could arrive unnoticed by both.
            "SELECT f.disclosed_at, f.notice_version, EXISTS (SELECT 1 FROM drafts d WHERE"
            " d.tenant_id = :tenant AND d.conversation_id = :talk AND d.kind = 'notice'"
            " AND d.service = :code AND d.state IN ('auto', 'sending', 'uncertain'))"
            " FROM fans f WHERE f.tenant_id = :tenant AND f.id = :fan",
            tenant=scope.tenant_id,
            talk=talk.id,
            fan=talk.fan_id,
            code=notice.code,
        ).one()
    )
    due = known != notice.code
    if not due and notice.code not in directory.TEAM_NOTICES:
        due = (
            is_new_session
            or scope.now - disclosed_at > NOTICE_AGAIN
            or has_person_spoken_last(scope, talk)
        )
    if due and not waiting:
        outgoing_messages.send_automated_message(scope, talk, notice, kind="notice")


def knows_team_only(scope: Scope, talk: Conversation) -> bool:
    """Return True if the fan was informed that members reply, and not of an AI since."""
    known = scope.run(
        "SELECT notice_version FROM fans WHERE tenant_id = :tenant AND id = :fan",
        tenant=scope.tenant_id,
        fan=talk.fan_id,
    ).scalar()
    return known in directory.TEAM_NOTICES


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
