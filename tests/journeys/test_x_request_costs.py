"""Counted costs compared with the bill of the fake X, on real PostgreSQL."""

from decimal import Decimal

import pytest

from channels.limits import request_costs
from channels.limits.request_costs import AccountBill
from foundation.money import Money, Price
from gate.contract.units import Rating
from gate.reviews import link_targets
from schedules.posts.states import DeliveryState
from tests.journeys.test_x import House, house, running, server, services  # noqa: F401  fixtures


@pytest.mark.heavy
# fixture
def test_billed_costs_match_the_count_and_the_cap(house: House) -> None:  # noqa: F811  see above
    lea = house.desk
    house.enrol()
    house.live(minutes=2)  # the first reads of a new account
    with lea.scope() as scope:
        counted = request_costs.bills_by_account(scope, ["x"]).get(
            house.channel().id, AccountBill({}, Price(Decimal(0), "USD"))
        )
        before = (
            house.server.bill[house.member.id] - counted.price.minor
        )  # billed for reading the account's profile
        request_costs.set_cost_cap(scope, "x", Money(counted.total.minor + 25, "USD"))
    with lea.scope() as scope:
        for path in "ab":
            link_targets.register_link_target(
                scope, lea.creator_id, f"https://example.com/{path}", rating=Rating.G, adult=False
            )
    posts = [
        lea.delivery(words, channel="x")
        for words in ("sans lien", "le lien : https://example.com/a", "après")
    ]
    house.live(minutes=3)
    linked = lea.delivery("encore https://example.com/b", channel="x")
    house.live(minutes=5)
    assert [lea.state(one) for one in posts] == [DeliveryState.PUBLISHED] * 3
    assert lea.state(linked) is DeliveryState.SCHEDULED, "less than twenty cents remain"
    assert [one.code for one in house.told()] == ["channel.cap_near"]
    with lea.scope() as scope:
        bill = request_costs.bills_by_account(scope, ["x"])[house.channel().id]
        assert bill.price.minor + before == house.server.bill[house.member.id]
        assert (bill.many["post"], bill.many["link_post"]) == (2, 1)
        request_costs.set_cost_cap(scope, "x", Money(200, "USD"))
    assert house.told() == []
    house.live(minutes=6)
    assert lea.state(linked) is DeliveryState.PUBLISHED
