"""What platforms ask for requests: counted by account and month, told once, and held under the agency's cap."""

from decimal import Decimal
from typing import get_args

import pytest

from channels import charging
from connectors import charges
from connectors.contract import Answer, Response, StepAnswerLost, StepNotSent
from foundation.database import Database
from foundation.errors import BadInput
from foundation.money import Money
from tenants import notices
from tests.channels.builders import World, world
from tests.fakes.network import Network


@pytest.fixture
def bo(database: Database, sandbox: Network) -> World:
    """Of another agency."""
    return world(database, sandbox, "bo")


def note(lea: World, answer: Answer, words: str = "bonjour") -> None:
    with lea.scope() as scope:
        charging.note(scope, lea.channel_id, "x", answer, words)


def spent(lea: World) -> Decimal:
    with lea.scope() as scope:
        found = charging.month(scope, "x")
        assert found is not None
        return found.spent.minor


def posted(status: int = 201) -> Response:
    return Response("publish", status, {}, {"data": {"id": "1", "text": "bonjour"}})


def test_each_request_counts_by_what_it_came_to(lea: World) -> None:
    asked: list[tuple[Answer, str, str]] = [
        (posted(), "bonjour", "1.5"),
        (posted(), "voir example.com", "20"),
        (StepAnswerLost("publish", "ReadTimeout"), "bonjour", "1.5"),
        (posted(503), "bonjour", "1.5"),
        (posted(403), "bonjour", "0"),
        (StepNotSent("publish", "ConnectError"), "bonjour", "0"),
        (Response("delete", 200, {}, {"data": {"deleted": True}}), "", "1"),
        (Response("delete", 404, {}, {}), "", "0"),
        (Response("look", 200, {}, {"data": [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]}), "", "1"),
        (Response("look", 200, {}, {"meta": {"result_count": 0}}), "", "0"),
        (Response("me", 200, {}, {"data": {"id": "1", "username": "lea"}}), "", "1"),
        (Response("message", 201, {}, {"data": {"dm_event_id": "1"}}), "voir example.com", "1.5"),
        (StepAnswerLost("message", "ReadTimeout"), "bonjour", "1.5"),
        (Response("look", 200, {}, {"data": [{"id": "1", "event_type": "MessageCreate", "text": "a"}]}), "", "1"),
        (Response("updates", 200, {}, {"data": [{"id": "1", "event_type": "MessageCreate", "text": "a"}]}), "", "0"),
        (Response("stage:a", 200, {}, {"data": {"id": "1", "media_key": "3_1"}}), "", "0"),
    ]
    for answer, words, cents in asked:
        before = spent(lea)
        note(lea, answer, words)
        assert spent(lea) - before == Decimal(cents), answer
    with lea.scope() as scope:
        bill = charging.bills(scope, ["x"])[lea.channel_id]
        charging.note(scope, lea.channel_id, "mastodon", posted(), "bonjour")
        assert charging.bills(scope, ["x"])[lea.channel_id] == bill
        assert charging.month(scope, "mastodon") is None
    assert (bill.posts, bill.messages, bill.reads, bill.money) == (4, 2, 4, Money(32, "USD"))


def test_a_cap_holds_posts_and_is_told_once_each_way(lea: World, bo: World) -> None:
    with lea.scope() as scope:
        charging.set_cap(scope, "x", Money(10, "USD"))
        assert notices.open_causes(scope, "charges:") != [], "a post with a link is dearer than all of it"
        assert charging.short(scope, "x", "bonjour") is None
        held = charging.short(scope, "x", "voir https://example.com")
        assert held is not None
        assert held[1].code == charging.CAPPED
        assert charging.short(scope, "x", "bonjour", parts=7) is not None, "a thread is not begun that cannot end"
    for _ in range(6):
        note(lea, posted())
    with lea.scope() as scope:
        assert charging.short(scope, "x", "bonjour") is not None
        assert len(notices.open_causes(scope, "charges:x:")) == 2
        assert held[0] > scope.now, "until the next month begins"
        charging.set_cap(scope, "x", Money(1000, "USD"))
        assert notices.open_causes(scope, "charges:") == []
        charging.set_cap(scope, "x", Money(0, "USD"))
        assert charging.short(scope, "x", "") is not None
        charging.set_cap(scope, "x", None)
        assert charging.short(scope, "x", "") is None
    with bo.scope() as scope:
        assert not charging.bills(scope, ["x"])


def test_a_cap_is_an_amount_in_the_platforms_currency(lea: World) -> None:
    with lea.scope() as scope:
        for platform, cap in (("x", Money(1, "EUR")), ("x", Money(-1, "USD")), ("mastodon", Money(1, "USD"))):
            with pytest.raises(BadInput):
                charging.set_cap(scope, platform, cap)


def test_an_application_that_is_stopped_is_told_once_until_it_goes_on(lea: World) -> None:
    for _ in range(2):
        note(lea, Response("publish", 402, {}, {}))
    with lea.scope() as scope:
        assert notices.open_causes(scope, "stopped:") == ["stopped:x"]
    note(lea, posted())
    with lea.scope() as scope:
        assert notices.open_causes(scope, "stopped:") == []


def test_prices_are_of_what_is_listed() -> None:
    asked = charges.CHARGES["x"]
    assert str(asked.price("link_post")) == "0.2 USD"
    assert set(asked.each) == set(get_args(charges.What))
