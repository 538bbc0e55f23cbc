"""The table of sales: equal to the ledger in every period, complete over its pages, and limited to
what is asked for."""

import csv
import io
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from insights.rollups import daily_rollups
from subscribers.fans.models import Fan
from subscribers.ledger import entries, month_close, revenue_splits
from subscribers.ledger.revenue_splits import NamedShare, SplitDraft
from subscribers.orders import sales
from subscribers.orders.sales import BuyerCounts, SaleFilter, SaleRow, SaleSort, SaleState
from tenants.agencies import agencies
from tenants.agencies.queries import Creator
from tests.conftest import Cluster
from tests.subscribers.sales_builders import (
    BEGIN,
    DAYS,
    EVENTS,
    ZONES,
    add_creators,
    book_line,
    happen,
    ledger_sums,
    local,
)

OpenAgency = Callable[[], AbstractContextManager[Scope]]


@pytest.fixture
def agency(tenant: OpenScope, tenant_id: UUID) -> OpenAgency:
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
    return partial(tenant, tenant_id, "system:test")


def row_sums(rows: Sequence[SaleRow]) -> dict[str, Any]:
    found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        assert row.gross - row.fee == row.net
        kind = 1 if row.state is SaleState.REFUND else 0
        found[row.net.currency][kind] += -row.gross.minor if kind else row.gross.minor
        found[row.net.currency][2] += row.fee.minor
    return {code: sums for code, sums in found.items() if any(sums)}


@settings(
    max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(events=EVENTS, first=st.integers(0, DAYS - 1), length=st.integers(1, DAYS))
def test_table_equals_the_ledger_of_its_period(
    agency: OpenAgency,
    events: list[dict[str, Any]],
    first: int,
    length: int,
) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        for event in events:
            happen(scope, creators, event)
        start = BEGIN + timedelta(days=first)
        asked = SaleFilter(creators, start, start + timedelta(days=length - 1))
        rows = sales.list_sales(scope, asked, limit=None).rows
        booked = ledger_sums(scope, creators, asked.first, asked.last)
        assert row_sums(rows) == booked
        summary = sales.sum_sales(scope, asked)
        assert summary.rows == len(rows)
        totals = {
            one.currency: [one.gross.minor, one.refunds.minor, one.fees.minor]
            for one in summary.currencies
        }
        assert {code: sums for code, sums in totals.items() if any(sums)} == booked
        for one in summary.currencies:
            assert one.gross - one.refunds - one.fees == one.net
            assert sum(day.net_minor for day in one.days.values()) == one.net.minor
            assert set(one.days) <= set(asked.days)
        some = replace(asked, channel="Autre plateforme")
        named = [row for row in rows if row.channel == "Autre plateforme"]
        assert row_sums(sales.list_sales(scope, some, limit=None).rows) == row_sums(named)
        found = sales.sum_sales(scope, some)
        assert found.rows == len(named)
        assert sum(one.net.minor for one in found.currencies) == sum(row.net.minor for row in named)
        newest = sales.list_sales(scope, asked, limit=3).rows
        assert [row.id for row in newest] == [row.id for row in rows[:3]]
        table = list(csv.DictReader(io.StringIO(sales.render_sales_csv(rows, {}))))
        for name in ("gross", "fee", "net"):
            written = sum((Decimal(line[name]) for line in table), Decimal(0))
            assert written == sum((getattr(row, name).decimal for row in rows), Decimal(0))


def test_month_equals_the_accounting_of_each_creator(agency: OpenAgency) -> None:
    """The last minute of the month belongs to it in each creator's zone."""
    month = date(2025, 3, 1)
    with agency() as scope:
        creators = add_creators(scope)
        for one in creators:
            edge = day_bounds(date(2025, 3, 31), one.zone)[1]
            for at, minor in ((edge - timedelta(minutes=1), 100), (edge, 7)):
                entries.record_sale(
                    scope, uuid7(), Money(minor, "EUR"), rail="rail:stars:x", at=at,
                    creator_id=one.id, fan_id=None,
                )  # fmt: skip
        for one in creators:
            asked = SaleFilter((one,), month, date(2025, 3, 31))
            (total,) = sales.sum_sales(scope, asked).currencies
            (booked,) = month_close.load_ledger_month(scope, one.id, month).totals
            assert (total.gross.minor, booked.gross_minor) == (100, 100)


@pytest.mark.parametrize("sort", SaleSort)
@pytest.mark.parametrize("descending", [True, False])
def test_pages_contain_each_row_once_in_order(
    agency: OpenAgency, sort: SaleSort, descending: bool
) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        for number in range(23):
            event = {
                "how": "returned" if number % 4 == 0 else "sale",
                "creator": number % 2,
                "minor": 100 * (number % 5 + 1),
                "part": 50,
                "currency": "EUR" if number % 3 else "XTR",
                "at": 720 + 60 * (number // 2),
                "later": 720 + 60 * number,
            }
            happen(scope, creators, event)
        asked = SaleFilter(creators, BEGIN, BEGIN + timedelta(days=DAYS))
        how = {"sort": sort, "descending": descending}
        whole = [row.id for row in sales.list_sales(scope, asked, limit=None, **how).rows]
        pages, after = [], None
        while True:
            page = sales.list_sales(scope, asked, after=after, limit=5, **how)
            pages += [row.id for row in page.rows]
            after = page.following
            if after is None:
                break
        assert pages == whole
        assert len(set(whole)) == len(whole) == 29
        if sort is SaleSort.NET:
            nets = [
                (row.net.currency, row.net.minor)
                for row in sales.list_sales(scope, asked, limit=None, **how).rows
            ]
            assert all((one >= two) if descending else (one <= two) for one, two in pairwise(nets))


def test_states_and_statement_source_are_filtered(agency: OpenAgency) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        common = {
            "creator": 0,
            "minor": 1000,
            "part": 20,
            "currency": "EUR",
            "at": 720,
            "later": 900,
        }
        for how in ("sale", "refunded", "statement", "returned"):
            happen(scope, creators, {**common, "how": how})

        def states(**more: Any) -> list[str]:
            asked = SaleFilter(creators, BEGIN, BEGIN + timedelta(days=DAYS), **more)
            return sorted(row.state for row in sales.list_sales(scope, asked, limit=None).rows)

        assert states() == ["paid"] * 4 + ["refund"] * 2
        assert states(state=SaleState.REFUND) == ["refund"] * 2
        assert states(channel="Autre plateforme") == ["paid"] * 2 + ["refund"]
        assert states(pack_id=uuid7()) == []
        assert sales.list_sources(scope, [one.id for one in creators]) == ["Autre plateforme"]


def test_buyers_are_new_once(agency: OpenAgency) -> None:
    """A fan who bought before the period returns; several sales of a fan count once."""
    with agency() as scope:
        creators = add_creators(scope)
        fans = [add_fan(scope, creators[0]) for _ in range(3)]
        for fan, minutes in ((0, 0), (0, 3000), (1, 3000), (1, 3100), (2, 9000)):
            entries.record_sale(
                scope, uuid7(), Money(100, "EUR"), rail="rail:stars:x", at=local(minutes),
                creator_id=creators[0].id, fan_id=fans[fan],
            )  # fmt: skip
        day = BEGIN + timedelta(days=2)
        found = sales.count_buyers(scope, creators, day, day)
        assert found == {creators[0].id: BuyerCounts(new=1, returning=1)}


def test_rows_of_earlier_versions_are_completed(agency: OpenAgency, cluster: Cluster) -> None:
    """The migration fills in the keys of statement lines, and the fees and shares of days."""
    with agency() as scope:
        creators = add_creators(scope)
        mine = creators[0].id
        split = SplitDraft(
            5000, 3000, 0, (NamedShare("Ana", 2000),), local_day(scope.now, ZONES[0])
        )
        revenue_splits.add_revenue_split(scope, mine, split, split_id=uuid7())
        money = Money(1000, "EUR"), Money(200, "EUR")
        for kind, at in (("sale", scope.now), ("refund", scope.now), ("sale", local(90))):
            book_line(scope, creators[0], kind, money, at)
        keys = "SELECT id, ledger_key FROM statement_lines WHERE tenant_id = :tenant ORDER BY id"
        before = scope.run(keys, tenant=scope.tenant_id).all()
        for day in (local_day(scope.now, ZONES[0]), local_day(local(90), ZONES[0])):
            daily_rollups.rebuild_day(scope, mine, day)
        known = "SELECT day, others_minor, fees_minor FROM sales_daily WHERE tenant_id = :tenant"
        days = scope.run(known, tenant=scope.tenant_id).all()
    assert any(row.fees_minor for row in days)
    migration = import_module("migrations.versions.0147_sales")
    url = cluster.url("postgres", "house").replace("+psycopg", "")
    with psycopg.connect(url) as owner:
        owner.execute("UPDATE statement_lines SET ledger_key = ''")
        owner.execute("UPDATE sales_daily SET others_minor = 7, fees_minor = 7")
        owner.execute(migration._KEYS)
        owner.execute(migration._DAYS)
    with agency() as scope:
        assert scope.run(keys, tenant=scope.tenant_id).all() == before
        assert set(scope.run(known, tenant=scope.tenant_id).all()) == set(days)


def add_fan(scope: Scope, creator: Creator) -> UUID:
    fan = Fan(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator.id,
        display_name="x",
        language="fr",
    )
    scope.add(fan)
    return fan.id


@pytest.mark.parametrize("text", ["\x00", "%", "_", "\\", "' OR 1=1 --", "\ud800", "é" * 5000])
def test_hostile_search_finds_nothing(agency: OpenAgency, text: str) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        happen(
            scope,
            creators,
            {"how": "sale", "creator": 0, "minor": 5, "part": 0, "currency": "EUR", "at": 0},
        )
        asked = SaleFilter(creators, BEGIN, BEGIN, search=text, channel=text)
        found = sales.list_sales(scope, asked).rows
    assert not found or text in ("\x00", "\ud800"), "without visible characters it is no search"


@pytest.mark.parametrize(
    ("last", "code"),
    [(-1, "sales.period_reversed"), (sales.MAX_DAYS, "sales.period_too_long")],
)
def test_impossible_periods_are_refused(agency: OpenAgency, last: int, code: str) -> None:
    with agency() as scope:
        asked = SaleFilter(add_creators(scope), BEGIN, BEGIN + timedelta(days=last))
        with pytest.raises(BadInput) as refused:
            sales.sum_sales(scope, asked)
    assert refused.value.message.code == code
