"""Telegram rate limits: one limited chat waits alone; when a second chat is limited, the whole bot
waits."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from foundation.db.database import Database
from foundation.ids import uuid7
from subscribers.inbox import member_actions
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.state import IN_A_CHAT, WINDOW
from tests.subscribers.stars_builders import StarsBot, create_bot

MEMBER = uuid7()


@pytest.fixture
def nova(database: Database) -> Iterator[StarsBot]:
    with fake.network() as telegram:
        made = create_bot(database, telegram)
        for name in ("leo", "mia", "zoe"):
            made.world_says(name, "bonjour")
            say(made, name, "Bonjour")
        made.drain()
        yield made


def say(nova: StarsBot, name: str, text: str, member: UUID = MEMBER) -> None:
    talk = nova.thread(str(nova.stars.world.person(name).id)).id
    with nova.scope() as scope:
        member_actions.take_over_conversation(scope, talk, member)
        member_actions.send_member_reply(scope, talk, member, text, key=uuid7())


def full(nova: StarsBot, name: str) -> None:
    """Exhaust the rate limit of one chat."""
    world = nova.stars.world
    world.chat(nova.stars.bot, name).sent_at = [world.clock()] * IN_A_CHAT


def last(nova: StarsBot, name: str) -> str:
    return str(nova.stars.world.texts(nova.stars.bot, name)[-1])


def held(nova: StarsBot) -> bool:
    sql = "SELECT 1 FROM rate_buckets WHERE tenant_id = :tenant AND blocked_until > house_now()"
    return bool(nova.rows(sql))


def test_one_limited_chat_delays_no_other(nova: StarsBot) -> None:
    full(nova, "leo")
    for name in ("leo", "leo", "mia", "zoe"):
        say(nova, name, f"Pour {name}")
    nova.drain(hours=0)
    assert [last(nova, name) == f"Pour {name}" for name in ("leo", "mia", "zoe")] == [
        False,
        True,
        True,
    ]
    assert not held(nova)
    nova.later(minutes=WINDOW.total_seconds() / 60 + 1)
    nova.drain(hours=1)
    assert nova.stars.world.texts(nova.stars.bot, "leo")[-2:] == ["Pour leo"] * 2


def test_two_limited_chats_pause_the_bot(nova: StarsBot) -> None:
    for name in ("leo", "mia"):
        full(nova, name)
        say(nova, name, f"Pour {name}")
    nova.drain(hours=0)
    assert held(nova)
    say(nova, "zoe", "Pour zoe")
    nova.drain(hours=0)
    assert last(nova, "zoe") != "Pour zoe"
    nova.later(minutes=WINDOW.total_seconds() / 60 + 1)
    nova.drain(hours=1)
    assert [last(nova, name) for name in ("leo", "mia", "zoe")] == [
        "Pour leo",
        "Pour mia",
        "Pour zoe",
    ]
