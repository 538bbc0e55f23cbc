"""Instagram's lists: a page may hold fewer than were asked for, and ends the list only where no
next one is named."""

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
"""Posts of the account, and the place of the one that is looked for, on the second page."""

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
    """What a look came to."""
    house, answers = SendingHarness(world, world.connector), list(first)
    while isinstance(turn := ask(tuple(answers)), Send):
        answers.append(house.send(turn.step))
    return turn


def test_a_post_further_down_is_not_taken_for_gone(world: ConnectorWorld) -> None:
    """The read of one post is known to lie, so the list decides."""
    for place, seen in ((WANTED, PresenceReport()), (0, PresenceReport()), (MANY, MissingPost())):
        copy = PlatformCopy(str(17_000 + place), world.account.account)
        assert ended(world, partial(Instagram().check_presence, copy), NOT_THERE) == seen


def test_what_was_posted_before_many_others_is_found(world: ConnectorWorld) -> None:
    sought = LookupQuery(
        "key", f"number {WANTED}", world.now(), world.account.account, asked_at=world.now()
    )
    found = ended(world, partial(Instagram().look_up, sought))
    assert isinstance(found, Found)
    assert found.native_id == str(17_000 + WANTED)


def test_a_post_is_named_by_its_address_wherever_it_is_listed(world: ConnectorWorld) -> None:
    for code, seen in ((f"c{WANTED}", str(17_000 + WANTED)), ("c0", "17000"), ("elsewhere", None)):
        address = ClaimedAddress(
            f"https://www.instagram.com/p/{code}/", world.account.account, "", 1
        )
        found = ended(world, partial(Instagram().resolve_address, address))
        assert found == Absent() if seen is None else found.native_id == seen


def test_a_list_that_says_nothing_of_pages_is_at_its_end() -> None:
    sought = LookupQuery("key", "hello", datetime(2026, 11, 26, tzinfo=UTC), "17")
    told_of_pages: tuple[object, ...] = (None, [], {"cursors": None}, {"cursors": {"after": "QVF"}})
    for paging in told_of_pages:
        told = Response("look", 200, {}, {"data": [], "paging": paging})
        assert Instagram().look_up(sought, (told,)) == Absent()
