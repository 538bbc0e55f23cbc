"""Threads' lists on the fake: what is in neither of them is gone; what lies further down than is read may be there."""

from collections.abc import Iterator
from functools import partial

import pytest

from connectors.contract import Answer, Copy, Response, Send
from connectors.standing import Missing, Stand, Standing
from connectors.suite.house import House
from connectors.suite.world import World
from connectors.threads import Threads
from connectors.threads_listing import LISTED, MOST_PAGES
from foundation.http import HttpClient
from tests.contract import threads_worlds
from tests.fakes.threads import threads
from tests.fakes.threads_world import Profile

LIES = Response("look", 400, {}, {"error": {"code": 24, "error_subcode": 4279009, "message": "does not exist"}})


@pytest.fixture
def world() -> Iterator[World]:
    http = HttpClient()
    with threads() as server:
        yield threads_worlds.world(server, http, "")
    http.close()


def profile(world: World) -> Profile:
    assert isinstance(world.fake, threads_worlds.ThreadsFake)
    return world.fake.profile


def said(world: World, many: int, under: str = "") -> list[str]:
    """So many posts of the account, or replies, oldest first."""
    mine = profile(world)
    return [mine.say(f"number {place}", under, by=mine.username).id for place in range(many)]


def stands(world: World, native_id: str, *first: Answer) -> Stand | None:
    house, answers = House(world, world.connector), list(first)
    ask = partial(Threads().still, Copy(native_id, world.account.account))
    while isinstance(turn := ask(tuple(answers)), Send):
        answers.append(house.send(turn.step))
    return turn


def test_what_stands_and_what_was_deleted(world: World) -> None:
    post, other = said(world, 2)
    assert stands(world, post) == Standing()
    profile(world).every[post].deleted = True
    assert stands(world, post) == Missing()
    assert stands(world, other) == Standing()


def test_a_read_that_lies_takes_nothing_for_gone(world: World) -> None:
    posts = said(world, LISTED + 10)
    (reply,) = said(world, 1, posts[0])
    for native_id in (posts[0], posts[-1], reply):
        assert stands(world, native_id, LIES) == Standing()
    assert stands(world, "1", LIES) == Missing()


def test_what_lies_further_down_than_is_read_may_be_there(world: World) -> None:
    posts = said(world, LISTED * MOST_PAGES + 1)
    assert stands(world, posts[0], LIES) is None
    assert stands(world, posts[-1], LIES) == Standing()


def test_a_token_that_may_not_read_replies_proves_nothing(world: World) -> None:
    said(world, 1)
    profile(world).rights -= {"threads_read_replies"}
    assert stands(world, "1") is None
