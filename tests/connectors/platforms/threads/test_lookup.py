"""Threads lists on the fake: a post in none of them is missing; one beyond the pages read is
unknown."""

from collections.abc import Iterator
from functools import partial

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import PlatformCopy, Response, Send, StepResult
from connectors.contract.post_presence import MissingPost, PostPresence, PresenceReport
from connectors.platforms.threads.lookup import LISTED, MAX_PAGES
from connectors.platforms.threads.publisher import Threads
from foundation.http.http_client import HttpClient
from tests.connectors.conformance.worlds import threads_world
from tests.fakes.threads.server import threads
from tests.fakes.threads.state import Profile

LIES = Response(
    "look", 400, {}, {"error": {"code": 24, "error_subcode": 4279009, "message": "does not exist"}}
)


@pytest.fixture
def world() -> Iterator[ConnectorWorld]:
    http = HttpClient()
    with threads() as server:
        yield threads_world.create_world(server, http, "")
    http.close()


def profile(world: ConnectorWorld) -> Profile:
    assert isinstance(world.fake, threads_world.ThreadsFake)
    return world.fake.profile


def said(world: ConnectorWorld, many: int, under: str = "") -> list[str]:
    """Publish posts of the account, or replies. Return their IDs, oldest first."""
    mine = profile(world)
    return [mine.say(f"number {place}", under, by=mine.username).id for place in range(many)]


def stands(world: ConnectorWorld, native_id: str, *first: StepResult) -> PostPresence | None:
    house, answers = SendingHarness(world, world.connector), list(first)
    ask = partial(Threads().check_presence, PlatformCopy(native_id, world.account.account))
    while isinstance(turn := ask(tuple(answers)), Send):
        answers.append(house.send(turn.step))
    return turn


def test_deleted_post_is_missing(world: ConnectorWorld) -> None:
    post, other = said(world, 2)
    assert stands(world, post) == PresenceReport()
    profile(world).every[post].deleted = True
    assert stands(world, post) == MissingPost()
    assert stands(world, other) == PresenceReport()


def test_failed_read_by_id_is_checked_in_the_lists(world: ConnectorWorld) -> None:
    posts = said(world, LISTED + 10)
    (reply,) = said(world, 1, posts[0])
    for native_id in (posts[0], posts[-1], reply):
        assert stands(world, native_id, LIES) == PresenceReport()
    assert stands(world, "1", LIES) == MissingPost()


def test_post_beyond_the_last_page_read_is_unknown(world: ConnectorWorld) -> None:
    posts = said(world, LISTED * MAX_PAGES + 1)
    assert stands(world, posts[0], LIES) is None
    assert stands(world, posts[-1], LIES) == PresenceReport()


def test_token_without_read_permission_proves_nothing(world: ConnectorWorld) -> None:
    said(world, 1)
    profile(world).rights -= {"threads_read_replies"}
    assert stands(world, "1") is None
