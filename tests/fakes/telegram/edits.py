"""Edits of users' messages to a bot, within two days."""

from datetime import timedelta
from typing import Any

from tests.fakes.telegram.chats import Told

KIND = "edited_message"
EDITABLE = timedelta(seconds=172_800)
"""`edit_time_limit` of https://core.telegram.org/constructor/config. Live locations can be edited
for longer."""


def edit(world: Any, bot: Any, name: str, number: int, text: str) -> Told:
    """Edit the text or the caption of a user's message. It retains its ID."""
    with world.lock:
        message = _own(world, bot, name, number)
        words = "text" if "text" in message else "caption"
        assert world.seconds() - message["date"] <= EDITABLE.total_seconds(), (
            "MESSAGE_EDIT_TIME_EXPIRED"
        )
        assert text.strip() or words == "caption", "MESSAGE_EMPTY"
        assert message.get(words, "") != text, "MESSAGE_NOT_MODIFIED"
        message[words] = text
        if not text.strip():
            del message[words]
        message["edit_date"] = world.seconds()
        return _told(world, bot, message)


def touch(world: Any, bot: Any, name: str, number: int, **more: Any) -> Told:
    """Change a message without editing its text. The bot receives the whole message again.
    https://core.telegram.org/bots/api#update"""
    with world.lock:
        message = _own(world, bot, name, number)
        message |= more
        message["edit_date"] = world.seconds()
        return _told(world, bot, message)


def _own(world: Any, bot: Any, name: str, number: int) -> Told:
    message: Told = world.chat(bot, name).messages[number]
    assert message["from"]["id"] == world.person(name).id, "MESSAGE_AUTHOR_REQUIRED"
    return message


def _told(world: Any, bot: Any, message: Told) -> Told:
    return dict(world.tell(bot, KIND, message))
