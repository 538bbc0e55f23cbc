"""Edits of users' messages to a bot, and other events for which Discord sends a whole message
again."""

from typing import Any

from tests.fakes.discord.gateway import DIRECT_MESSAGES
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import DM, Bot, Message, Person

UPDATE = "MESSAGE_UPDATE"
MOST_TYPED = 4000
"""Maximum characters of a message from a user with Nitro. The limit of other users is 2,000."""


def edit(fake: FakeDiscord, bot: Bot, person: Person, message_id: str, text: str) -> None:
    """Edit a user's message of any age. It retains its ID and receives the time of the edit."""
    with fake.lock:
        message = _found(fake, bot, person, message_id)
        assert message.author["id"] == person.id, (
            "50005: cannot edit a message authored by another user"
        )
        assert text.strip() or message.body.get("attachments"), (
            "50006: cannot send an empty message"
        )
        assert len(text) <= MOST_TYPED, "50035: invalid form body"
        message.body["content"] = text.strip()
        message.edited = fake.clock()
        _tell(fake, bot, message)


def touch(fake: FakeDiscord, bot: Bot, person: Person, message_id: str, **more: Any) -> None:
    """Send the message again without an edit, as Discord does when it resolves a link (`embeds`) or
    when the message is pinned.
    https://docs.discord.com/developers/events/gateway-events#message-update"""
    with fake.lock:
        _tell(fake, bot, _found(fake, bot, person, message_id), **more)


def _found(fake: FakeDiscord, bot: Bot, person: Person, message_id: str) -> Message:
    return next(
        one
        for one in fake.world.direct(bot, person).messages
        if one.id == message_id and not one.deleted
    )


def _tell(fake: FakeDiscord, bot: Bot, message: Message, **more: Any) -> None:
    told = {**fake.world.shown(message), "channel_type": DM, **more}
    fake.gateway.tell(bot, UPDATE, told, intent=DIRECT_MESSAGES)
