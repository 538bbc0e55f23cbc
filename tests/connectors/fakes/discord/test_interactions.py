"""Commands and interactions of the fake Discord: the rejections of the real one, with their codes."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.connectors.fakes.discord.test_server import call
from tests.fakes.discord.server import FakeDiscord, discord
from tests.fakes.discord.spec import load_description
from tests.fakes.discord.state import Bot

DEFERRED = {"type": 5, "data": {"flags": 64}}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeDiscord]:
    with discord(load_description()) as running:
        yield running


@pytest.fixture
def bot(fake: FakeDiscord) -> Bot:
    return fake.world.bot()


def code(answer: tuple[int, Any]) -> tuple[int, int]:
    """Return the status and Discord's error code of a rejection."""
    return answer[0], answer[1]["code"]


def chosen(fake: FakeDiscord, bot: Bot, **where: Any) -> tuple[str, str]:
    """Choose a command. Return the paths of its first response and of the message that displays it."""
    made = fake.choose(bot, fake.world.person(), "stop", **where)
    token = fake.interactions.asked[made].token
    return (
        f"/interactions/{made}/{token}/callback",
        f"/webhooks/{bot.id}/{token}/messages/@original",
    )


def test_interaction_accepts_one_response_within_three_seconds(fake: FakeDiscord, bot: Bot) -> None:
    first, shown = chosen(fake, bot)
    assert code(call(fake, bot, "DELETE", shown)) == (404, 10015)
    assert call(fake, bot, "POST", first, DEFERRED) == (204, None)
    assert code(call(fake, bot, "POST", first, DEFERRED)) == (400, 40060)
    status, told = call(fake, bot, "PATCH", shown, {"content": "there"})
    assert (status, told["content"]) == (200, "there")
    assert call(fake, bot, "DELETE", shown) == (204, None)
    assert code(call(fake, bot, "DELETE", shown)) == (404, 10008)
    late, _ = chosen(fake, bot)
    fake.clock.advance(3.1)
    assert code(call(fake, bot, "POST", late, DEFERRED)) == (404, 10062)
    assert code(call(fake, bot, "POST", late.replace("/callback", "x/callback"), DEFERRED)) == (
        404,
        10062,
    )


def test_interaction_token_expires_after_15_minutes(fake: FakeDiscord, bot: Bot) -> None:
    first, shown = chosen(fake, bot)
    call(fake, bot, "POST", first, DEFERRED)
    fake.clock.advance(15 * 60 + 1)
    assert code(call(fake, bot, "PATCH", shown, {"content": "there"})) == (401, 50027)


def test_only_ephemeral_responses_are_hidden_in_the_channel(fake: FakeDiscord, bot: Bot) -> None:
    place = fake.world.channel(fake.world.guild(bot))
    for flags, seen in ((64, []), (0, ["…"])):
        first, _ = chosen(fake, bot, where=place)
        call(fake, bot, "POST", first, {"type": 5, "data": {"flags": flags}})
        assert [message.body["content"] for message in fake.sent(place)] == seen


def test_command_menu_belongs_to_its_application(fake: FakeDiscord, bot: Bot) -> None:
    path = f"/applications/{bot.id}/commands"
    stop = {"name": "stop", "description": "Stop"}
    status, made = call(fake, bot, "POST", path, stop)
    assert status == 201
    assert call(fake, bot, "POST", path, {**stop, "description": "End"})[0] == 200
    assert [
        one["description"] for one in call(fake, bot, "GET", f"{path}?with_localizations=true")[1]
    ] == ["End"]
    assert code(call(fake, fake.world.bot(), "GET", path)) == (403, 20012)
    assert call(fake, bot, "DELETE", f"{path}/{made['id']}") == (204, None)
    assert code(call(fake, bot, "DELETE", f"{path}/{made['id']}")) == (404, 10063)


@pytest.mark.parametrize(
    "wrong", [{"name": "Stop"}, {"name": "stop all"}, {"name": "é" * 33}, {"description": ""}]
)
def test_invalid_command_name_or_description_is_rejected(
    fake: FakeDiscord, bot: Bot, wrong: dict[str, Any]
) -> None:
    said = {"name": "stop", "description": "Stop", **wrong}
    assert code(call(fake, bot, "POST", f"/applications/{bot.id}/commands", said)) == (400, 50035)


def test_menu_is_limited_to_100_commands_and_200_new_ones_a_day(
    fake: FakeDiscord, bot: Bot
) -> None:
    path = f"/applications/{bot.id}/commands"
    for round_ in range(2):
        for number in range(100):
            fake.interactions.write(
                bot, bot.id, {"name": f"c{round_}-{number}", "description": "…"}
            )
        assert code(call(fake, bot, "POST", path, {"name": "more", "description": "…"})) == (
            400,
            30032,
        )
        fake.interactions.menus[bot.id].clear()
    assert code(call(fake, bot, "POST", path, {"name": "more", "description": "…"})) == (400, 30034)
    fake.clock.advance(24 * 3600)
    assert call(fake, bot, "POST", path, {"name": "more", "description": "…"})[0] == 201
