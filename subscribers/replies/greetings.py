"""The greeting of a persona: sent once to a fan who starts a chat, after the AI disclosure."""

from foundation.db.database import Scope
from subscribers.conversations import outgoing_messages
from subscribers.conversations.models import Conversation
from subscribers.conversations.states import DraftState, OwnerState
from subscribers.fans import directory
from subscribers.replies.persona import fill_placeholders
from subscribers.replies.script_tests import speaker_of_fan


def send_greeting(scope: Scope, talk: Conversation) -> None:
    """Send the greeting of the fan's persona, in the persona's first language, to a fan who has
    not received a message of the bot yet."""
    if _has_bot_message(scope, talk):
        return
    speaker = speaker_of_fan(scope, talk.creator_id, talk.fan_id)
    if (
        speaker is None
        or not speaker.greeting
        or speaker.level == "off"
        or OwnerState(talk.owner) is not OwnerState.BOT
        or talk.language != speaker.languages[0]
    ):
        return
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    name = outgoing_messages.template_value(fan.display_name)
    draft = outgoing_messages.create_draft(
        scope,
        talk,
        origin="bot",
        kind="text",
        state=DraftState.AUTO,
        text=fill_placeholders(speaker.greeting, speaker.name, name),
    )
    outgoing_messages.schedule_message_draft(scope, draft)


def _has_bot_message(scope: Scope, talk: Conversation) -> bool:
    found = scope.run(
        "SELECT 1 FROM drafts WHERE tenant_id = :tenant AND conversation_id = :talk"
        " AND origin = 'bot' LIMIT 1",
        tenant=scope.tenant_id,
        talk=talk.id,
    )
    return found.scalar() is not None
