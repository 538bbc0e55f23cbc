"""Daily rollups: equal to the rows they summarize, reproducible, and correct in every time zone."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from insights.rollups import daily_rollups
from insights.rollups.daily_rollups import lateness_percentile
from insights.rollups.events import SaleRecorded
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from subscribers.ledger import entries
from subscribers.ledger.entries import LedgerLine
from tests.conftest import Cluster
from tests.insights.builders import CreatorHistory, create_creator_history
from workers.wiring import Services

pytestmark = pytest.mark.heavy

BEGIN = datetime(2025, 3, 29, tzinfo=UTC)  # the clocks of Paris change on March 30
MINUTES = st.integers(0, 3 * 24 * 60 - 1)


def entry(late_ms: int | None) -> DeliveryEntry:
    due = BEGIN
    settled = None if late_ms is None else due + timedelta(milliseconds=late_ms)
    return DeliveryEntry(
        delivery_id=uuid7(),
        post_id=uuid7(),
        channel_id=uuid7(),
        channel="Essai",
        title="",
        body="",
        state=DeliveryState.PUBLISHED,
        reason=None,
        due_at=due,
        zone="UTC",
        settled_at=settled,
        url=None,
        native_id=None,
        version=1,
        creator_id=uuid7(),
        wall_time="2026-03-02T10:00",
        media=(),
        not_before=None,
    )


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60))
def test_lateness_percentile_is_nearest_rank(late: list[int]) -> None:
    """The percentile is one of the values, and 95 % of the posts were no later."""
    found = lateness_percentile([entry(each) for each in late])
    assert found in late
    assert found is not None
    assert sum(each <= found for each in late) * 100 >= 95 * len(late)
    assert sum(each < found for each in late) * 100 < 95 * len(late)


def test_lateness_of_no_posts_is_none() -> None:
    assert lateness_percentile([]) is None
    assert lateness_percentile([entry(None)]) is None


Deal = tuple[int, int, str, int | None]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(
            MINUTES, st.integers(1, 10**6), st.sampled_from(["XTS", "EUR"]), st.none() | MINUTES
        ),
        max_size=8,
    )
)
def test_rollups_match_ledger_and_are_reproducible(services: Services, deals: list[Deal]) -> None:
    made = create_creator_history(services)
    for at, minor, currency, back in deals:
        refunded = None if back is None else BEGIN + timedelta(minutes=max(at, back) + 1)
        made.sale(BEGIN + timedelta(minutes=at), minor, currency=currency, refunded_at=refunded)
    days = [date(2025, 3, 28) + timedelta(days=number) for number in range(7)]
    for day in days:
        made.roll_up(day)
    first = {day: made.sales_of(day) for day in days}
    for day in reversed(days):
        made.roll_up(day)
        made.roll_up(day)
    assert {day: made.sales_of(day) for day in days} == first
    for currency in ("XTS", "EUR"):
        rows = [row for day in days for row in first[day] if row.gross.currency == currency]
        mine = [deal for deal in deals if deal[2] == currency]
        assert sum(row.gross.minor for row in rows) == sum(deal[1] for deal in mine)
        assert sum(row.refunds.minor for row in rows) == sum(
            deal[1] for deal in mine if deal[3] is not None
        )
        assert sum(row.orders for row in rows) == len(mine)
        for row in rows:
            assert row.net.minor == row.creator.minor + row.agency.minor + row.staff.minor
    _as_the_ledger_says(made, first, days)


def _as_the_ledger_says(
    made: CreatorHistory, rows: dict[date, list[object]], days: Sequence[date]
) -> None:
    with made.scope() as scope:
        for day in days:
            start, end = day_bounds(day, made.zone)
            told = entries.creator_totals(scope, made.creator_id, start, end)
            assert {(each.currency, each.orders, each.net_minor) for each in told} == {
                (row.net.currency, row.orders, row.net.minor) for row in rows[day]
            }


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2025-03-29T22:59:59", date(2025, 3, 29)),
        ("2025-03-29T23:00:00", date(2025, 3, 30)),  # the day of 23 hours begins
        ("2025-03-30T21:59:59", date(2025, 3, 30)),
        ("2025-03-30T22:00:00", date(2025, 3, 31)),
        ("2025-10-25T22:00:00", date(2025, 10, 26)),  # the day of 25 hours begins
        ("2025-10-26T22:59:59", date(2025, 10, 26)),
        ("2025-10-26T23:00:00", date(2025, 10, 27)),
    ],
)
def test_day_follows_creator_time_zone(ledgers: CreatorHistory, at: str, day: date) -> None:
    instant = datetime.fromisoformat(at).replace(tzinfo=UTC)
    ledgers.sale(instant)
    ledgers.post(instant, late=timedelta(milliseconds=40))
    for each in (day - timedelta(days=1), day, day + timedelta(days=1)):
        ledgers.roll_up(each)
        assert bool(ledgers.sales_of(each)) is (each == day)
        work = ledgers.work_of(each)
        assert work is not None
        assert (work.published, work.lateness_p95_ms) == ((1, 40) if each == day else (0, None))


def test_past_day_with_only_a_fee_gets_its_row(ledgers: CreatorHistory) -> None:
    """A statement or a platform may book it long after that day."""
    with ledgers.scope() as scope:
        fee = Money(70, "EUR")
        lines = [LedgerLine("rail:x:till", -fee), LedgerLine(entries.FEES_ACCOUNT, fee)]
        entries.post_transaction(
            scope, "fee", "rail_line", "k", lines, occurred_at=BEGIN, creator_id=ledgers.creator_id
        )
    with ledgers.scope() as scope:
        today = local_day(scope.now, ledgers.zone)
    ledgers.roll_up(today)
    with ledgers.scope() as scope:
        due = scope.run(
            "SELECT args ->> 'day' FROM outbox WHERE tenant_id = :t AND kind = 'day.rollup'",
            t=ledgers.tenant_id,
        ).scalars()
        assert due.all() == ["2025-03-29"]
    ledgers.roll_up(date(2025, 3, 29))
    ((row),) = ledgers.sales_of(date(2025, 3, 29))
    assert (row.orders, row.fees_minor, row.gross.minor) == (0, 70, 0)


def test_earlier_versions_days_with_only_a_fee_are_added(
    ledgers: CreatorHistory, cluster: Cluster
) -> None:
    other = create_creator_history(ledgers.services)
    for one in (ledgers, other):
        one.sale(BEGIN)
    ledgers.sale(BEGIN, refunded_at=BEGIN + timedelta(days=3))
    days = [date(2025, 3, 29), date(2025, 4, 1)]
    for day in days:
        ledgers.roll_up(day)
    before = {day: ledgers.sales_of(day) for day in days}
    migration = import_module("migrations.versions.0150_metric_rollups")
    with psycopg.connect(cluster.url("postgres", "house").replace("+psycopg", "")) as owner:
        owner.execute(
            "DELETE FROM sales_daily WHERE tenant_id = %s AND orders = 0", [ledgers.tenant_id]
        )
        unknown = "UPDATE creators SET zone = 'Mars/Base' WHERE tenant_id = %s"
        owner.execute(unknown, [other.tenant_id])
        owner.execute(migration._MISSING_DAYS)
    assert {day: ledgers.sales_of(day) for day in days} == before
    assert before[days[1]]


def test_sale_and_refund_count_on_their_own_days(ledgers: CreatorHistory) -> None:
    ledgers.sale(BEGIN, 500, refunded_at=BEGIN + timedelta(days=2))
    sold, back = date(2025, 3, 29), date(2025, 3, 31)
    ledgers.roll_up(sold)
    ledgers.roll_up(back)
    assert [(row.orders, str(row.net)) for row in ledgers.sales_of(sold)] == [(1, "500 XTS")]
    assert [(row.orders, str(row.net)) for row in ledgers.sales_of(back)] == [(0, "-500 XTS")]


def test_late_sale_rolls_up_day_of_payment(ledgers: CreatorHistory) -> None:
    order_id = ledgers.sale(BEGIN + timedelta(hours=12))
    daily_rollups.roll_up_days_of_sale(
        SaleRecorded(ledgers.tenant_id, order_id), tenant=ledgers.services.tenant
    )
    assert len(ledgers.sales_of(date(2025, 3, 29))) == 1


def test_late_event_rolls_up_payment_and_refund_days(
    ledgers: CreatorHistory,
) -> None:
    """The order is placed on one day, paid on the next and refunded on the third; the event is
    received much later."""
    order_id = ledgers.sale(BEGIN + timedelta(days=1), refunded_at=BEGIN + timedelta(days=2))
    with ledgers.scope() as scope:
        scope.run(
            "UPDATE orders SET created_at = :at WHERE tenant_id = :t", at=BEGIN, t=ledgers.tenant_id
        )
    daily_rollups.roll_up_days_of_sale(
        SaleRecorded(ledgers.tenant_id, order_id), tenant=ledgers.services.tenant
    )
    days = [date(2025, 3, 29) + timedelta(days=number) for number in range(3)]
    assert [[row.orders for row in ledgers.sales_of(day)] for day in days] == [[], [1], [0]]


def test_rebuilt_day_drops_rows_without_sales(ledgers: CreatorHistory) -> None:
    """Rows are rebuilt, not added to."""
    ledgers.sale(BEGIN, 500)
    day = date(2025, 3, 29)
    ledgers.roll_up(day)
    with ledgers.scope() as scope:
        other = ledgers.creator_id
        scope.run(
            "INSERT INTO sales_daily (tenant_id, id, creator_id, day, currency, orders, "
            "gross_minor, refunds_minor,"
            " creator_minor, agency_minor, staff_minor) VALUES (:t, :i, :c, :d, 'JPY', 9, 9, 9, "
            "9, 9, 9)",
            t=ledgers.tenant_id,
            i=ledgers.pack_id,
            c=other,
            d=day,
        )
    ledgers.roll_up(day)
    assert [row.net.currency for row in ledgers.sales_of(day)] == ["XTS"]


def test_sales_of_another_tenant_are_not_counted(
    ledgers: CreatorHistory, services: Services
) -> None:
    other = create_creator_history(services)
    other.sale(BEGIN)
    ledgers.roll_up(date(2025, 3, 29))
    assert ledgers.sales_of(date(2025, 3, 29)) == []
