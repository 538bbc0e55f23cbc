"""Instagram lists: a page may hold fewer posts than requested; only a missing next cursor ends the
list."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import ConnectorWorld
from connectors.contract.connector import LookupQuery, PlatformCopy, Response, Send, StepResult
from connectors.contract.outcomes import Absent, Found
from connectors.contract.post_addresses import ClaimedAddress
from connectors.contract.post_presence import MissingPost, PresenceReport
from connectors.platforms.instagram.publisher import Instagram
from foundation.http.http_client import HttpClient
from tests.connectors.conformance.worlds import instagram_world
from tests.fakes.instagram.server import instagram

MANY, WANTED = 120, 30
"""Number of posts of the account, and the index of the post sought, on the second page."""

NOT_THERE = Response(
    "look",
    400,
    {},
    {"error": {"code": 100, "error_subcode": 33, "message": "Unsupported get request"}},
)


@pytest.fixture
def world() -> Iterator[ConnectorWorld]:
    http = HttpClient()
    with instagram() as server:
        made = instagram_world.create_world(server, http, "")
        fake = made.fake
        assert isinstance(fake, instagram_world.InstagramFake)
        for place in range(MANY):
            number = str(17_000 + place)
            at = made.clock().strftime("%Y-%m-%dT%H:%M:%S+0000")
            shown = {
                "caption": f"number {place}",
                "permalink": f"https://www.instagram.com/p/c{place}/",
            }
            fake.profile.posts.append({"id": number, "timestamp": at, **shown})
        yield made
    http.close()


def ended(
    world: ConnectorWorld, ask: Callable[[tuple[StepResult, ...]], Any], *first: StepResult
) -> Any:
    """Return the result of a lookup."""
    house, answers = SendingHarness(world, world.connector), list(first)
    while isinstance(turn := ask(tuple(answers)), Send):
        answers.append(house.send(turn.step))
    return turn


def test_post_on_a_later_page_is_not_missing(world: ConnectorWorld) -> None:
    """The read of a single post is unreliable, so the list decides."""
    for place, seen in ((WANTED, PresenceReport()), (0, PresenceReport()), (MANY, MissingPost())):
        copy = PlatformCopy(str(17_000 + place), world.account.account)
        assert ended(world, partial(Instagram().check_presence, copy), NOT_THERE) == seen


def test_older_post_is_found_on_a_later_page(world: ConnectorWorld) -> None:
    sought = LookupQuery(
        "key", f"number {WANTED}", world.now(), world.account.account, asked_at=world.now()
    )
    found = ended(world, partial(Instagram().look_up, sought))
    assert isinstance(found, Found)
    assert found.native_id == str(17_000 + WANTED)


def test_post_is_found_by_url_on_any_page(world: ConnectorWorld) -> None:
    for code, seen in ((f"c{WANTED}", str(17_000 + WANTED)), ("c0", "17000"), ("elsewhere", None)):
        address = ClaimedAddress(
            f"https://www.instagram.com/p/{code}/", world.account.account, "", 1
        )
        found = ended(world, partial(Instagram().resolve_address, address))
        assert found == Absent() if seen is None else found.native_id == seen


def test_list_without_paging_is_complete() -> None:
    sought = LookupQuery("key", "hello", datetime(2026, 11, 26, tzinfo=UTC), "17")
    told_of_pages: tuple[object, ...] = (None, [], {"cursors": None}, {"cursors": {"after": "QVF"}})
    for paging in told_of_pages:
        told = Response("look", 200, {}, {"data": [], "paging": paging})
        assert Instagram().look_up(sought, (told,)) == Absent()
