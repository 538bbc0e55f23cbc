"""The fake Discord follows the published description in its requests and responses."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from connectors.platforms.discord.requests import USER_AGENT
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from tests.fakes.discord.server import FakeDiscord, discord
from tests.fakes.discord.spec import load_description
from tests.fakes.discord.state import ALL, HISTORY, MANAGE_ROLES, Bot


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeDiscord]:
    spec = load_description()
    if spec is None:
        pytest.skip("Discord's description is missing (set GREENROOM_SHARED)")
    with discord(spec) as running:
        yield running


def call(fake: FakeDiscord, bot: Bot, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Return the status and JSON body of one request."""
    headers = {
        "authorization": f"Bot {bot.token}",
        "content-type": "application/json",
        **USER_AGENT,
    }
    data = b"" if body is None else json.dumps(body).encode()
    reply = HttpClient().send(HttpRequest(method, fake.api + path, headers, data, 5.0))
    assert isinstance(reply, HttpResponse)
    return reply.status, json.loads(reply.body) if reply.body else None


def test_responses_match_the_published_description(fake: FakeDiscord) -> None:
    world = fake.world
    bot, leo = world.bot(), world.person()
    channel = world.channel(world.guild(bot))
    sent = {"content": "hello", "nonce": "n1", "enforce_nonce": True}
    _, message = call(fake, bot, "POST", f"/channels/{channel.id}/messages", sent)
    choice = {"name": "all", "value": "all"}
    option = {"type": 3, "name": "what", "description": "What", "choices": [choice]}
    command = {"name": "stop", "description": "Stop", "options": [option], "contexts": [0, 1]}
    shapes = {
        "ApplicationCommandResponse": call(
            fake, bot, "POST", f"/applications/{bot.id}/commands", command
        )[1],
        "MessageResponse": message,
        "GuildChannelResponse": call(fake, bot, "GET", f"/channels/{channel.id}")[1],
        "PrivateChannelResponse": call(
            fake, bot, "POST", "/users/@me/channels", {"recipient_id": leo.id}
        )[1],
    }
    told = {name: fake.spec.answers(name, value) for name, value in shapes.items()}
    assert told == dict.fromkeys(told, "")
    fake.write(bot, leo, "hi", files=1)
    assert (
        fake.spec.answers("MessageResponse", world.shown(world.direct(bot, leo).messages[-1])) == ""
    )


def test_undescribed_request_is_rejected(fake: FakeDiscord) -> None:
    bot = fake.world.bot()
    channel = fake.world.channel(fake.world.guild(bot))
    path = f"/channels/{channel.id}/messages"
    for wrong in (
        {"content": 5},
        {"content": "x", "nonce": "y" * 26},
        {"attachments": [{"filename": "a.png"}]},
    ):
        status, told = call(fake, bot, "POST", path, wrong)
        assert (status, told["code"]) == (400, 50035)
    assert call(fake, bot, "GET", f"{path}?afer=1")[0] == 400
    assert call(fake, bot, "POST", "/nowhere", {})[0] == 400
    assert len(fake.spec.refused) == 5
    assert channel.messages == []
    fake.spec.refused.clear()


def test_nonce_deduplicates_for_two_minutes_per_author(fake: FakeDiscord) -> None:
    bot = fake.world.bot()
    channel = fake.world.channel(fake.world.guild(bot))
    path, body = (
        f"/channels/{channel.id}/messages",
        {"content": "x", "nonce": "same", "enforce_nonce": True},
    )
    first, again = call(fake, bot, "POST", path, body)[1], call(fake, bot, "POST", path, body)[1]
    assert first["id"] == again["id"]
    assert call(fake, bot, "DELETE", f"{path}/{first['id']}")[0] == 204
    status, told = call(fake, bot, "POST", path, body)
    assert (status, told["code"]) == (404, 10008)
    fake.clock.advance(121)
    assert call(fake, bot, "POST", path, body)[1]["id"] != first["id"]


def test_history_without_permission_is_empty(fake: FakeDiscord) -> None:
    bot = fake.world.bot()
    channel = fake.world.channel(fake.world.guild(bot, rights=ALL & ~HISTORY))
    call(fake, bot, "POST", f"/channels/{channel.id}/messages", {"content": "x"})
    assert call(fake, bot, "GET", f"/channels/{channel.id}/messages") == (200, [])


def test_rate_limits_are_fractional_seconds(fake: FakeDiscord) -> None:
    bot = fake.world.bot()
    channel = fake.world.channel(fake.world.guild(bot))
    path = f"/channels/{channel.id}/messages"
    answers = [call(fake, bot, "POST", path, {"content": "x"}) for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [429]
    assert 0 < answers[-1][1]["retry_after"] <= 5
    assert answers[-1][1]["global"] is False
    fake.limit_everything(2.5)
    status, told = call(fake, bot, "GET", "/users/@me")
    assert (status, told["global"]) == (429, True)
    fake.clock.advance(3)
    assert call(fake, bot, "GET", "/users/@me")[0] == 200


def test_role_is_assigned_only_by_a_higher_role(fake: FakeDiscord) -> None:
    world = fake.world
    bot, leo, far = world.bot(), world.person(), world.person("max")
    guild = world.guild(bot, rights=ALL | MANAGE_ROLES)
    low, high = world.role(guild), world.role(guild, "staff", position=11)
    guild.members[leo.id] = []
    told = call(fake, bot, "GET", f"/guilds/{guild.id}")[1]
    assert [fake.spec.answers("GuildRoleResponse", one) for one in told["roles"]] == [""] * 4

    def turn(method: str, person: str, role: str) -> tuple[int, int]:
        status, said = call(fake, bot, method, f"/guilds/{guild.id}/members/{person}/roles/{role}")
        return status, said["code"] if said else 0

    assert [turn("PUT", leo.id, low) for _ in range(2)] == [(204, 0)] * 2
    assert guild.members[leo.id] == [low]
    assert turn("PUT", leo.id, high) == (403, 50013)
    assert turn("PUT", far.id, low) == (404, 10007)
    assert turn("PUT", "5", low) == (404, 10013)
    assert turn("DELETE", leo.id, "5") == (404, 10011)
    assert [turn("DELETE", leo.id, low) for _ in range(2)] == [(204, 0)] * 2
    assert guild.given == [("+", leo.id, low), ("-", leo.id, low)]
    guild.roles[guild.members[bot.id][0]] = ALL
    assert turn("PUT", leo.id, low) == (403, 50013)
    del guild.members[bot.id]
    assert turn("PUT", leo.id, low) == (404, 10004)
    assert fake.spec.refused == []
