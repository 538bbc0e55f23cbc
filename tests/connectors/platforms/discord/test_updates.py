"""Messages from Discord's gateway, built with discord.py's own types from API payloads."""

import asyncio
from collections.abc import Iterator
from typing import Any

import discord
import pytest

from connectors.contract.chats import ChatUpdate
from connectors.platforms.discord.updates import parse_message
from tests.fakes.discord.state import user


@pytest.fixture
def client() -> Iterator[discord.Client]:
    """Return a client that never signs in; it only builds message objects."""
    made = discord.Client(intents=discord.Intents.none())
    yield made
    asyncio.run(made.close())


def heard(client: discord.Client, content: str, **more: Any) -> ChatUpdate | None:
    data: Any = {
        "id": "900",
        "channel_id": "555",
        "author": user("77", "lea"),
        "content": content,
        "timestamp": "2026-01-01T12:00:00+00:00",
        "edited_timestamp": None,
        "tts": False,
        "mention_everyone": False,
        "mentions": [],
        "mention_roles": [],
        "attachments": [],
        "embeds": [],
        "components": [],
        "pinned": False,
        "type": 0,
        **more,
    }
    channel = client.get_partial_messageable(555)
    return parse_message(discord.Message(state=client._connection, channel=channel, data=data))


def file(kind: str | None) -> dict[str, Any]:
    told = {
        "id": "1",
        "filename": "a",
        "size": 9,
        "url": "https://cdn.example/a",
        "proxy_url": "https://cdn.example/a",
    }
    return told | ({"content_type": kind} if kind else {})


STICKER = {"id": "5", "name": "wave", "format_type": 1}


def test_text_message_is_received(client: discord.Client) -> None:
    update = heard(client, "hello", embeds=[{"type": "link", "url": "https://a.example"}])
    assert update is not None
    assert (update.kind, update.text, update.shows, update.fan) == ("message", "hello", "", "77")


@pytest.mark.parametrize(
    ("more", "shows"),
    [
        ({"attachments": [file("image/png")]}, "picture"),
        ({"attachments": [file("video/mp4"), file("image/png")]}, "film"),
        ({"attachments": [file("audio/ogg")]}, "sound"),
        ({"attachments": [file("application/pdf")]}, "file"),
        ({"attachments": [file(None)]}, "file"),
        ({"sticker_items": [STICKER]}, "picture"),
    ],
)
@pytest.mark.parametrize("words", ["", "look at this"])
def test_message_with_media_is_left_to_a_member(
    client: discord.Client, more: Any, shows: str, words: str
) -> None:
    """A picture with text is more than its text, so an automatic reply to the text alone would
    ignore the picture."""
    update = heard(client, words, **more)
    assert update is not None
    assert (update.kind, update.text, update.shows) == ("unsupported", words, shows)


def test_bot_and_system_messages_are_ignored(client: discord.Client) -> None:
    assert heard(client, "hello", author=user("300", "bot", bot=True)) is None
    assert heard(client, "", type=6) is None
