"""Sales, costs and audience of a period: page, CSV, workbook and ledger agree to the cent."""

import csv
import io
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from foundation.money import Money, currency_exponent
from insights.reports.tables import analytics_tables
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.reports.tables.table_files import render_table_file
from insights.rollups import costs, daily_rollups
from insights.rollups.audience import load_audience
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.sales_analysis import load_sales_analysis
from subscribers.history.history_import import PastFan, PastLine, import_past_fans
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import CostDraft, CostKind
from subscribers.orders.sales_breakdowns import SalesDimension
from tenants.agencies import agencies
from tenants.agencies.queries import Creator
from tests.insights.reports.tables.test_table_files import read_xlsx
from tests.subscribers.sales_builders import (
    BEGIN,
    DAYS,
    EVENTS,
    ZONES,
    add_channel,
    add_creators,
    book_line,
    happen,
    ledger_sums,
    local,
)

PERIOD = AnalyticsPeriod(BEGIN.replace(day=1), BEGIN.replace(month=4, day=30))


@pytest.fixture
def agency(tenant: OpenScope, tenant_id: UUID) -> Any:
    def opened() -> Any:
        return tenant(tenant_id, "system:test")

    with opened() as scope:
        agencies.create_agency(scope, name="Lumière", language="fr", zone=ZONES[0])
    return opened


def sums_of_files(table: AnalyticsTable) -> list[dict[str, list[int]]]:
    """Return gross, refunds and fees by currency as the CSV file and the workbook contain them."""
    found = []
    sheet = table.to_sheet("en")
    lines = csv.reader(io.StringIO(render_table_file("csv", sheet).decode()))
    for rows in (list(lines)[1:], read_xlsx(render_table_file("xlsx", sheet))[1:]):
        sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
        for row in rows:
            code = row[table.columns.index("currency")]
            for place, name in enumerate(("gross", "refunds", "fees")):
                amount = Decimal(row[table.columns.index(name)] or 0)
                sums[code][place] += round(amount.scaleb(currency_exponent(code)))
        found.append({code: one for code, one in sums.items() if any(one)})
    return found


@settings(
    max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(events=EVENTS)
def test_every_table_and_file_equals_the_ledger(agency: Any, events: list[dict[str, Any]]) -> None:
    with agency() as scope:
        creators = add_creators(scope)
        for event in events:
            happen(scope, creators, event)
        for one in creators:
            for number in range(DAYS + 9):
                day = BEGIN + timedelta(days=number - 2)
                daily_rollups.rebuild_day(scope, one.id, day)
        booked = ledger_sums(scope, creators, PERIOD.first, PERIOD.last)
        found = load_sales_analysis(scope, creators, PERIOD)
        spent = costs.load_costs(scope, creators, PERIOD.first, PERIOD.last)
    tables = [
        analytics_tables.sales_totals_table(found),
        analytics_tables.sales_days_table(found),
        *(
            analytics_tables.sales_groups_table(found, one, "en", lambda fan, name: name)
            for one in SalesDimension
        ),
        analytics_tables.profit_table(spent.months),
    ]
    for table in tables:
        for sums in sums_of_files(table):
            assert sums == booked, table.code
    for month in spent.months:
        assert month.profit == month.gross - month.refunds - month.fees - month.cost


def test_currency_that_sums_to_zero_keeps_its_days(agency: Any) -> None:
    """A fee and its correction on another day: the page draws the days of each currency."""
    with agency() as scope:
        creator, _ = add_creators(scope)
        for number, minor in enumerate((70, -70)):
            amounts = Money(0, "EUR"), Money(minor, "EUR")
            book_line(scope, creator, "sale", amounts, local(number * 1440 + 720))
        for number in range(2):
            daily_rollups.rebuild_day(scope, creator.id, BEGIN + timedelta(days=number))
        found = load_sales_analysis(scope, [creator], PERIOD)
    assert [one.currency for one in found.currencies] == ["EUR"]
    assert list(found.breakdown.totals) == ["EUR"]
    assert [one.fees_minor for one in found.currencies[0].days.values()] == [70, -70]


def test_costs_keep_currencies_apart_and_skip_voided_entries(agency: Any) -> None:
    with agency() as scope:
        creator, other = add_creators(scope)
        today = scope.now.date()
        for minor, currency in ((1000, "USD"), (500, "EUR"), (9999, "EUR")):
            draft = CostDraft(CostKind.ADS, Money(minor, currency), today)
            entry = cost_entries.add_cost_entry(scope, creator.id, draft, entry_id=uuid7())
        cost_entries.void_cost_entry(scope, [creator.id], entry)
        found = costs.load_costs(scope, [creator, other], today, today)
    assert [(one.currency, one.cost.minor, one.profit.minor) for one in found.months] == [
        ("EUR", 500, -500),
        ("USD", 1000, -1000),
    ]
    assert [float(one.roi or 0) for one in found.months] == [-1, -1]
    assert len(found.entries) == 3


def test_month_without_costs_has_no_roi(agency: Any) -> None:
    with agency() as scope:
        creator, other = add_creators(scope)
        happen(scope, [creator, other], SALE)
        daily_rollups.rebuild_day(scope, creator.id, BEGIN)
        (month,) = costs.load_costs(scope, [creator], BEGIN, BEGIN).months
    assert month.roi is None
    table = analytics_tables.profit_table([month])
    assert table.rows[0][table.columns.index("roi")] is None


SALE = {
    "how": "sale",
    "creator": 0,
    "minor": 1000,
    "part": 0,
    "currency": "EUR",
    "at": 60,
    "later": 0,
}


def add_message(scope: Scope, creator: Creator, minutes: int) -> None:
    """Add a fan who writes once and receives an answer a minute later."""
    at = local(minutes)
    lines = (PastLine("fan", "hello", at), PastLine("bot", "hi", at + timedelta(minutes=1)))
    channel = add_channel(scope, creator)
    fan = PastFan(uuid7(), creator.id, channel, uuid7().hex, "Paul", "fr", at, lines)
    import_past_fans(scope, [fan])


def test_hours_of_fans_follow_the_clock_of_each_creator(agency: Any) -> None:
    with agency() as scope:
        paris, new_york = add_creators(scope)
        # 27 March 2025, a Thursday, 10:00 in Paris is 05:00 in New York.
        for creator in (paris, new_york):
            add_message(scope, creator, 600)
        found = load_audience(scope, [paris, new_york], PERIOD)
        funnel = load_sales_analysis(scope, [paris, new_york], PERIOD).funnel
    assert [(one.weekday, one.hour, one.messages) for one in found.hours] == [
        (3, 5, 1),
        (3, 10, 1),
    ]
    assert found.languages == [("fr", 2)]
    counts = {one.name: one.count for one in funnel}
    assert counts == {"seen": None, "clicked": None, "chatted": 2, "bought": 0}
    assert found.renewals == []
