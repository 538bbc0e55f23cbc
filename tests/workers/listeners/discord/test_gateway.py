"""The servers reported by a bot's gateway client while a session starts with held events."""

import asyncio
from typing import Any

import discord

from workers.listeners.discord.gateway import _Client

SERVER = {
    "id": "7",
    "name": "Studio",
    "members": [],
    "channels": [],
    "roles": [],
    "emojis": [],
    "member_count": 1,
}


async def no_answer(*_: Any) -> None:
    raise AssertionError("no button is pressed")


async def told() -> tuple[list[bool], list[bool]]:
    """Return whether a server is reported as joined: one that removed the bot since, and one it is
    on."""
    client = _Client(0.0, (), no_answer)
    # the minimal data of a server
    server: Any = discord.Guild(data=SERVER, state=client._connection)  # type: ignore[arg-type]  # see above
    await client.on_guild_available(server)
    await client.on_guild_join(server)
    left = said(client)
    client._connection._add_guild(server)
    await client.on_guild_available(server)
    await client.on_guild_join(server)
    return left, said(client)


def said(client: _Client) -> list[bool]:
    found: list[bool] = []
    while not client.heard.empty():
        what: Any = client.heard.get_nowait()
        found.append("7" in what.here)
    return found


def test_server_that_removed_the_bot_is_not_reported_as_joined() -> None:
    """The library dispatches a removal at once, and earlier events when the session is ready."""
    assert asyncio.run(told()) == ([], [True, True])
