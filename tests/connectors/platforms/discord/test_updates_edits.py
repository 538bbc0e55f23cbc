"""Edited messages from Discord's gateway, built with discord.py's own types from API payloads."""

import asyncio
from collections.abc import Iterator
from typing import Any

import discord
import pytest

from connectors.contract.chats import ChatUpdate
from connectors.platforms.discord.updates import parse_edit
from tests.connectors.platforms.discord.test_updates import file
from tests.fakes.discord.state import user

WHEN = "2026-01-01T12:30:00.250000+00:00"


@pytest.fixture
def client() -> Iterator[discord.Client]:
    """Return a client that never signs in; it only builds message objects."""
    made = discord.Client(intents=discord.Intents.none())
    yield made
    asyncio.run(made.close())


def heard(
    client: discord.Client, content: str, when: str | None = WHEN, **more: Any
) -> ChatUpdate | None:
    data: Any = {
        "id": "900",
        "channel_id": "555",
        "author": user("77", "lea"),
        "content": content,
        "timestamp": "2026-01-01T12:00:00+00:00",
        "edited_timestamp": when,
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
    return parse_edit(discord.Message(state=client._connection, channel=channel, data=data))


def test_edit_is_received_with_its_message(client: discord.Client) -> None:
    one = heard(client, "j'ai 15 ans")
    assert one is not None
    assert (one.kind, one.fan, one.native_id, one.text) == ("edited", "77", "900", "j'ai 15 ans")
    assert one.at is not None
    assert one.at.isoformat() == WHEN
    later = heard(client, "j'ai 15 ans", "2026-01-01T12:31:00+00:00")
    assert later is not None
    assert later.key != one.key, "two edits are two updates"
    assert one.key.rpartition(":")[2] == "900", "the cursor follows the message ID"


def test_edited_caption_of_a_file_is_text(client: discord.Client) -> None:
    one = heard(client, "j'ai 15 ans", attachments=[file("image/png")])
    assert one is not None
    assert (one.kind, one.text) == ("edited", "j'ai 15 ans")


@pytest.mark.parametrize(
    ("content", "when", "more"),
    [
        ("https://a.example", None, {"embeds": [{"type": "link", "url": "https://a.example"}]}),
        ("salut", None, {"pinned": True}),
        ("", WHEN, {"attachments": [file("image/png")]}),
        ("a bot's", WHEN, {"author": user("300", "bot", bot=True)}),
        ("", WHEN, {"type": 6}),
    ],
)
def test_update_without_a_user_edit_is_ignored(
    client: discord.Client, content: str, when: str | None, more: dict[str, Any]
) -> None:
    assert heard(client, content, when, **more) is None
