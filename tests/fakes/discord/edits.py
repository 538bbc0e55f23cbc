"""What people edit of what they wrote to a bot, and what else makes Discord tell a message again,
whole."""

from typing import Any

from tests.fakes.discord.gateway import DIRECT_MESSAGES
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import DM, Bot, Message, Person

UPDATE = "MESSAGE_UPDATE"
MOST_TYPED = 4000
"""Characters of a message of who pays for more; others have 2,000."""


def edit(fake: FakeDiscord, bot: Bot, person: Person, message_id: str, text: str) -> None:
    """Somebody changes a message of theirs, however old it is; it keeps its id, and bears the time
    of the edit."""
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
    """A link in it was looked up (`embeds`), or it was pinned: no edit, and the bot is told all of
    it again. https://docs.discord.com/developers/events/gateway-events#message-update"""
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
