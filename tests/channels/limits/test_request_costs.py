"""API costs: metered per account and month, reported once, and limited by the agency's cap."""

from decimal import Decimal
from typing import get_args

import pytest

from channels.limits import request_costs as charging
from connectors.contract.connector import Response, StepAnswerLost, StepNotSent, StepResult
from connectors.shared import request_costs as charges
from foundation.db.database import Database
from foundation.errors import BadInput
from foundation.money import Money
from tenants.notices import notices
from tests.channels.builders import World, world
from tests.fakes.sandbox import RunningSandbox


@pytest.fixture
def bo(database: Database, sandbox: RunningSandbox) -> World:
    """An account of another agency."""
    return world(database, sandbox, "bo")


def note(lea: World, answer: StepResult, words: str = "bonjour") -> None:
    with lea.scope() as scope:
        charging.record_costs(scope, lea.channel_id, "x", answer, words)


def spent(lea: World) -> Decimal:
    with lea.scope() as scope:
        found = charging.monthly_costs(scope, "x")
        assert found is not None
        return found.spent.minor


def posted(status: int = 201) -> Response:
    return Response("publish", status, {}, {"data": {"id": "1", "text": "bonjour"}})


def test_each_request_is_charged_by_its_result(lea: World) -> None:
    asked: list[tuple[StepResult, str, str]] = [
        (posted(), "bonjour", "1.5"),
        (posted(), "voir example.com", "20"),
        (StepAnswerLost("publish", "ReadTimeout"), "bonjour", "1.5"),
        (posted(503), "bonjour", "1.5"),
        (posted(403), "bonjour", "0"),
        (StepNotSent("publish", "ConnectError"), "bonjour", "0"),
        (Response("delete", 200, {}, {"data": {"deleted": True}}), "", "1"),
        (Response("delete", 404, {}, {}), "", "0"),
        (
            Response(
                "look", 200, {}, {"data": [{"id": "1", "text": "a"}, {"id": "2", "text": "b"}]}
            ),
            "",
            "1",
        ),
        (Response("look", 200, {}, {"meta": {"result_count": 0}}), "", "0"),
        (Response("me", 200, {}, {"data": {"id": "1", "username": "lea"}}), "", "1"),
        (Response("message", 201, {}, {"data": {"dm_event_id": "1"}}), "voir example.com", "1.5"),
        (StepAnswerLost("message", "ReadTimeout"), "bonjour", "1.5"),
        (
            Response(
                "look", 200, {}, {"data": [{"id": "1", "event_type": "MessageCreate", "text": "a"}]}
            ),
            "",
            "1",
        ),
        (
            Response(
                "updates",
                200,
                {},
                {"data": [{"id": "1", "event_type": "MessageCreate", "text": "a"}]},
            ),
            "",
            "0",
        ),
        (Response("stage:a", 200, {}, {"data": {"id": "1", "media_key": "3_1"}}), "", "0"),
    ]
    for answer, words, cents in asked:
        before = spent(lea)
        note(lea, answer, words)
        assert spent(lea) - before == Decimal(cents), answer
    with lea.scope() as scope:
        bill = charging.bills_by_account(scope, ["x"])[lea.channel_id]
        charging.record_costs(scope, lea.channel_id, "mastodon", posted(), "bonjour")
        assert charging.bills_by_account(scope, ["x"])[lea.channel_id] == bill
        assert charging.monthly_costs(scope, "mastodon") is None
    assert (bill.post_count, bill.message_count, bill.read_count, bill.total) == (
        4,
        2,
        4,
        Money(32, "USD"),
    )


def test_cost_cap_holds_posts_and_is_reported_once(lea: World, bo: World) -> None:
    with lea.scope() as scope:
        charging.set_cost_cap(scope, "x", Money(10, "USD"))
        assert notices.list_open_causes(scope, "charges:") != [], (
            "a post with a link costs more than the cap"
        )
        assert charging.cap_wait(scope, "x", "bonjour") is None
        held = charging.cap_wait(scope, "x", "voir https://example.com")
        assert held is not None
        assert held[1].code == charging.COST_CAP_REACHED
        assert charging.cap_wait(scope, "x", "bonjour", parts=7) is not None, (
            "a thread that would exceed the cap is not started"
        )
    for _ in range(6):
        note(lea, posted())
    with lea.scope() as scope:
        assert charging.cap_wait(scope, "x", "bonjour") is not None
        assert len(notices.list_open_causes(scope, "charges:x:")) == 2
        assert held[0] > scope.now, "until the next month"
        charging.set_cost_cap(scope, "x", Money(1000, "USD"))
        assert notices.list_open_causes(scope, "charges:") == []
        charging.set_cost_cap(scope, "x", Money(0, "USD"))
        assert charging.cap_wait(scope, "x", "") is not None
        charging.set_cost_cap(scope, "x", None)
        assert charging.cap_wait(scope, "x", "") is None
    with bo.scope() as scope:
        assert not charging.bills_by_account(scope, ["x"])


def test_cost_cap_must_be_in_the_platforms_currency(lea: World) -> None:
    with lea.scope() as scope:
        for platform, cap in (
            ("x", Money(1, "EUR")),
            ("x", Money(-1, "USD")),
            ("mastodon", Money(1, "USD")),
        ):
            with pytest.raises(BadInput):
                charging.set_cost_cap(scope, platform, cap)


def test_suspended_application_is_reported_once_until_it_works(lea: World) -> None:
    for _ in range(2):
        note(lea, Response("publish", 402, {}, {}))
    with lea.scope() as scope:
        assert notices.list_open_causes(scope, "stopped:") == ["stopped:x"]
    note(lea, posted())
    with lea.scope() as scope:
        assert notices.list_open_causes(scope, "stopped:") == []


def test_price_list_covers_every_request_kind() -> None:
    asked = charges.PRICE_LISTS["x"]
    assert str(asked.price_of("link_post")) == "0.2 USD"
    assert set(asked.each) == set(get_args(charges.RequestCostKind))
