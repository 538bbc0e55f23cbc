"""What a bot's client says of the servers it is on, while a session begins and it holds back what
it is told."""

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
    raise AssertionError("nobody presses anything")


async def told() -> tuple[list[bool], list[bool]]:
    """Whether the server is said to be there: of one it was put out of since, and of one it is
    on."""
    client = _Client(0.0, (), no_answer)
    # the least of one
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


def test_a_server_that_put_the_bot_out_meanwhile_is_not_said_to_be_there() -> None:
    """The library dispatches a removal at once, and what came before it when the session is
    ready."""
    assert asyncio.run(told()) == ([], [True, True])
