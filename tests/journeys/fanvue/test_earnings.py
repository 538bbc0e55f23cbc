"""Earnings on Fanvue, from the authorization to the ledger, on real PostgreSQL and over HTTP."""

import pytest

from channels.accounts.states import ChannelState
from foundation.money import Money
from schedules.posts.states import DeliveryState
from subscribers.checkout import platform_earnings
from subscribers.orders import queries
from tenants.notices import notices
from tests.journeys.oauth_accounts import OAuthAccount
from workers.relay.ticks import TICKS

pytestmark = pytest.mark.heavy


def test_earnings_and_refunds_are_booked_automatically(house: OAuthAccount) -> None:
    lea, till = house.desk, house.server.till
    fan = house.server.fan(f"fan{house.member.username}", house.member)
    house.enrol()
    sale = till.earn(house.member, 1000, 800, "message", fan)
    till.earn(house.member, 300, 240, "tip", fan, currency="EUR")
    tick = next(one for one in TICKS if one.name == "earnings")
    for hours in (0.5, 6, 6):
        house.live(hours=hours)
        tick.write_rows(lea.services.tenant)
        house.live(minutes=12)
    with lea.scope() as scope:
        (told,) = [
            one
            for one in queries.check_rail_balances(scope, [lea.creator_id])
            if one.account == "Fanvue"
        ]
        (reading,) = platform_earnings.list_earnings_accounts(scope, lea.creator_id)
    assert (told.booked, told.moved) == (Money(1040, "USD"), Money(1040, "USD"))
    assert reading.name == f"@{house.member.username}"
    till.give_back(house.member, sale)
    house.server.book.schedule_fault("reset_after", on="other")
    for _ in range(2):
        tick.write_rows(lea.services.tenant)
        house.live(hours=1)
    with lea.scope() as scope:
        (told,) = [
            one
            for one in queries.check_rail_balances(scope, [lea.creator_id])
            if one.account == "Fanvue"
        ]
        days = scope.run(
            "SELECT sum(gross_minor - refunds_minor) FROM sales_daily WHERE currency = 'USD'"
        ).scalar_one()
    assert told.booked == told.moved == Money(240, "USD")
    assert days == 300, "the days are aggregated again"


def test_account_without_earnings_scope_posts_and_notifies(house: OAuthAccount) -> None:
    lea = house.desk
    house.enrol()
    for token in house.server.oauth.tokens.values():
        token.scopes = tuple(one for one in token.scopes if one != "read:insights")
    next(one for one in TICKS if one.name == "earnings").write_rows(lea.services.tenant)
    house.live(minutes=1)
    with lea.scope() as scope:
        assert notices.has_been_notified(scope, f"earnings:{house.channel().id}")
    post = lea.delivery("toujours là", channel="fanvue")
    house.live(minutes=1)
    assert lea.state(post) is DeliveryState.PUBLISHED
    assert house.channel().state == ChannelState.ACTIVE
