"""Sales by dimension, hours and cohorts: each adds up to the ledger."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import Money
from subscribers.fans.models import Fan
from subscribers.ledger import entries
from subscribers.orders.cohorts import load_cohorts
from subscribers.orders.sales import SaleFilter
from subscribers.orders.sales_breakdowns import SalesDimension, break_down_sales
from tenants.agencies import agencies
from tenants.agencies.queries import Creator
from tests.subscribers.sales_builders import (
    BEGIN,
    DAYS,
    EVENTS,
    ZONES,
    add_creators,
    happen,
    ledger_sums,
)


@pytest.fixture
def agency(tenant: OpenScope, tenant_id: UUID) -> Any:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
    return partial(tenant, tenant_id, "system:test")


def add_fan(scope: Scope, creator: Creator) -> UUID:
    fan = Fan(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator.id,
        display_name="Paul",
        language="fr",
    )
    scope.add(fan)
    scope.session.flush()
    return fan.id


def sell(scope: Scope, creator: Creator, fan: UUID | None, at: datetime, minor: int = 1000) -> UUID:
    payment = uuid7()
    entries.record_sale(
        scope,
        payment,
        Money(minor, "EUR"),
        rail="rail:stars:x",
        at=at,
        creator_id=creator.id,
        fan_id=fan,
    )
    return payment


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(events=EVENTS, first=st.integers(0, DAYS - 1), length=st.integers(1, DAYS))
def test_each_dimension_adds_up_to_the_ledger(
    agency: Any, events: list[dict[str, Any]], first: int, length: int
) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        for event in events:
            happen(scope, creators, event)
        start = BEGIN + timedelta(days=first)
        asked = SaleFilter(creators, start, start + timedelta(days=length - 1))
        booked = ledger_sums(scope, creators, asked.first, asked.last)
        found = break_down_sales(scope, asked, most_fans=1)
        hours: defaultdict[str, int] = defaultdict(int)
        for one in found.hours:
            hours[one.net.currency] += one.net.minor
        assert {code: net for code, net in hours.items() if net} == {
            code: gross - refunds for code, (gross, refunds, _) in booked.items() if gross - refunds
        }
        for dimension in SalesDimension:
            sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
            for group in found.groups[dimension]:
                amounts = (group.gross.minor, group.refunds.minor, group.fees.minor)
                known = sums[group.currency]
                sums[group.currency] = [a + b for a, b in zip(known, amounts, strict=True)]
            assert {code: one for code, one in sums.items() if any(one)} == booked, dimension


def test_fans_beyond_the_maximum_are_one_group(agency: Any) -> None:
    with agency() as scope:
        creator, _ = add_creators(scope)
        at = datetime(2025, 3, 28, 12, tzinfo=UTC)
        fans = [add_fan(scope, creator) for _ in range(3)]
        for number, fan in enumerate(fans):
            sell(scope, creator, fan, at, 1000 * (number + 1))
        sell(scope, creator, fans[2], at + timedelta(hours=1), 501)
        sell(scope, creator, None, at, 7)
        asked = SaleFilter((creator,), BEGIN, BEGIN + timedelta(days=3))
        found = break_down_sales(scope, asked, most_fans=1)
    groups = {one.key: one for one in found.groups[SalesDimension.FAN]}
    assert groups.keys() == {str(fans[2]), "others", ""}
    assert (groups[str(fans[2])].orders, groups[str(fans[2])].buyers) == (2, 1)
    assert groups["others"].net == Money(3000, "EUR")
    assert groups[""].net == Money(7, "EUR")
    total = found.totals["EUR"]
    assert (total.orders, total.buyers) == (5, 3)
    assert total.per_order == Money(1302, "EUR"), "65.08 / 5"
    assert total.per_buyer == Money(2169, "EUR")
    assert [(one.weekday, one.hour, one.orders) for one in found.hours] == [(4, 13, 4), (4, 14, 1)]


def test_cohorts_count_only_months_that_have_ended(agency: Any) -> None:
    with agency() as scope:
        creator, other = add_creators(scope)
        paul, anna = add_fan(scope, creator), add_fan(scope, creator)
        # 31 January 23:30 UTC is 1 February in Paris.
        edge = datetime(2025, 1, 31, 23, 30, tzinfo=UTC)
        sell(scope, creator, paul, edge)
        again = sell(scope, creator, paul, datetime(2025, 3, 5, tzinfo=UTC), 400)
        sell(scope, creator, anna, datetime(2025, 2, 10, tzinfo=UTC), 300)
        sell(scope, creator, anna, datetime(2025, 4, 2, tzinfo=UTC), 9999)
        sell(scope, creator, None, datetime(2025, 2, 11, tzinfo=UTC), 50)
        entries.reverse_payment(scope, again, at=datetime(2025, 3, 6, tzinfo=UTC))
        found = load_cohorts(scope, [creator, other], date(2025, 4, 20))
    (cohort,) = found.cohorts
    assert (cohort.first_day, cohort.size) == (date(2025, 2, 1), 2)
    assert [cohort.retention(number) for number in range(3)] == [1, Fraction(1, 2), None]
    assert [one.net for one in cohort.months] == [(Money(1300, "EUR"),), (Money(0, "EUR"),)]
    assert cohort.total_net() == (Money(1300, "EUR"),)
    assert found.unassigned == (Money(50, "EUR"),)


@settings(
    max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(events=EVENTS, fans=st.lists(st.integers(0, 2), min_size=12, max_size=12))
def test_cohorts_add_up_to_the_ledger(
    agency: Any, events: list[dict[str, Any]], fans: list[int]
) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        known = [[add_fan(scope, one) for _ in range(2)] for one in creators]
        for event, number in zip(events, fans, strict=False):
            if event["how"] in ("sale", "refunded") and number < 2:
                creator = event["creator"]
                at = datetime.combine(BEGIN, datetime.min.time(), UTC)
                at += timedelta(minutes=event["at"])
                payment = sell(scope, creators[creator], known[creator][number], at, event["minor"])
                if event["how"] == "refunded":
                    entries.reverse_payment(scope, payment, at=at + timedelta(days=1))
            else:
                happen(scope, creators, event)
        booked = ledger_sums(scope, creators, date(2025, 1, 1), date(2025, 5, 31))
        found = load_cohorts(scope, creators, date(2025, 6, 15))
    sums: defaultdict[str, int] = defaultdict(int)
    for money in (*found.unassigned, *(each for one in found.cohorts for each in one.total_net())):
        sums[money.currency] += money.minor
    assert {code: net for code, net in sums.items() if net} == {
        code: gross - refunds for code, (gross, refunds, _) in booked.items() if gross - refunds
    }
