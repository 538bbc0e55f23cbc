"""Edited messages of fans: checked again for age and crisis signals and stored with the original,
but never answered."""

from channels.accounts.queries import Channel
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Scope
from gate.text.text_rating import MinorSignal
from subscribers.conversations import conversation_rows, message_context, text_signals
from subscribers.conversations.message_context import MessageReading
from subscribers.fans import directory
from subscribers.safety import escalation


def receive_edit(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    """Record the new text of a message. A text already recorded changes nothing.

    An edit by an unknown or erased user is only recorded if it contains an age or crisis signal; an
    edit alone creates no fan.
    """
    fan = directory.find_fan_identity(scope, channel.id, update.fan)
    if not _has_text(update) or (fan is not None and _is_old(scope, fan, channel, update)):
        return
    danger = text_signals.has_crisis_signal(scope, update.text)
    age = text_signals.strongest_age_signal(scope, *_read_edit(scope, fan, channel, update))
    if fan is None and not danger and age is MinorSignal.NONE:
        return
    fan = fan or directory.find_or_create_fan(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
        said=update.text,
    )
    # Lock order: reader before conversation.
    minor = text_signals.report_age_signal(scope, channel.platform, update.fan, age)
    talk = conversation_rows.find_or_create_conversation(scope, fan, channel)
    if _is_old(scope, fan, channel, update):  # Another process recorded the edit in the meantime.
        return
    conversation_rows.record_fan_edit(scope, talk, native_id=update.native_id, words=update.text)
    if danger or minor:
        conversation_rows.reopen_conversation(scope, talk)
    if danger:
        escalation.respond_to_crisis(scope, talk, update.text)
    if minor:
        escalation.respond_to_minor(scope, talk, fan, update.text)


def _has_text(update: ChatUpdate) -> bool:
    """Return True for an update with text and a message ID, unlike a button press or a picture
    without caption."""
    return update.kind in (*conversation_rows.TEXT_KINDS, conversation_rows.EDITED_KIND) and bool(
        update.native_id and update.text.strip()
    )


def _is_old(
    scope: Scope, fan: directory.FanIdentityView, channel: Channel, update: ChatUpdate
) -> bool:
    return conversation_rows.has_recorded_text(scope, fan, channel, update.native_id, update.text)


def _read_edit(
    scope: Scope, fan: directory.FanIdentityView | None, channel: Channel, update: ChatUpdate
) -> tuple[MessageReading, ...]:
    """Return the readings of the text: as the latest message, and at its original position if that
    is known."""
    if fan is None:
        return (MessageReading(update.text),)
    at = conversation_rows.line_number_of(scope, fan, channel, update.native_id)
    in_place = (
        message_context.read_edited_message(scope, fan, channel, update.text, at=at)
        if at is not None
        else ()
    )
    return (*message_context.read_new_message(scope, fan, channel, update.text), *in_place)
