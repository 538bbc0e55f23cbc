"""Platform earnings: booked once whatever happens in between, and never in addition to a statement
file."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.contract.connector import Response
from connectors.platforms.fanvue.earnings import PageLimits
from foundation.ops.wall_time import local_day
from subscribers.checkout import platform_earnings
from subscribers.checkout.platform_earnings import EarningsPace
from subscribers.ledger import entries, month_close
from subscribers.orders import queries
from subscribers.statements import bookings, file_reader
from subscribers.statements.bookings import LineOutcome
from tests.studio.builders import ZONE
from tests.subscribers.builders import Studio
from tests.subscribers.earnings_builders import EarningsAccount

FORBIDDEN = Response(
    "earnings", 403, body={"error": "Insufficient scope: read:insights is required"}
)


@pytest.fixture
def till(studio: Studio) -> EarningsAccount:
    account = EarningsAccount(studio)
    account.later(hours=1)
    return account


def test_sales_and_refunds_are_booked_once(till: EarningsAccount) -> None:
    with till.studio.scope() as scope:
        shares = entries.SplitShares(4000, 6000, 0)
        entries.set_revenue_split(
            scope,
            till.studio.world.creator_id,
            shares,
            effective_from=till.now() - timedelta(days=9),
        )
    sale = till.earn(1000, 800, currency="BRL")
    till.earn(500, 400, "subscription", fan=1)
    till.earn(300, 300, "referral", fan=None)
    till.later(hours=2)
    till.till.give_back(till.member, sale)
    till.catch_up()
    for _ in range(3):
        till.later(hours=6)
        assert till.read()
    came_first = sorted(
        till.lines(), key=lambda row: (row.kind == "refund", -row.gross_minor)
    )  # independent of the order within one moment
    assert [(row.kind, row.gross_minor, row.fee_minor, row.currency) for row in came_first] == [
        ("sale", 1000, 200, "USD"),
        ("sale", 500, 100, "USD"),
        ("sale", 300, 0, "USD"),
        ("refund", 1000, 200, "USD"),
    ]
    assert till.held() == till.truth() == 700
    creator, now = till.studio.world.creator_id, till.now()
    with till.studio.scope() as scope:
        (total,) = [
            one
            for one in entries.creator_totals(scope, creator, now - timedelta(days=3), now)
            if one.currency == "USD"
        ]
        assert (total.gross_minor, total.refunds_minor, total.creator_minor) == (1800, 1000, 480)
        assert all(
            drawer.booked == drawer.moved
            for drawer in queries.check_rail_balances(scope, [creator])
        )
        assert bookings.list_imported_statements(scope, [creator]) == [], "no file was imported"
    assert till.days == {local_day(row.booked_at, ZONE) for row in till.lines()}
    assert (till.told().unread, till.told().left_out, till.told().gone) == (0, 0, 0)


def test_two_equal_tips_in_one_second_are_two_sales(till: EarningsAccount) -> None:
    till.till.numbered = False
    at = till.now()
    for _ in range(2):
        till.earn(500, 400, at=at)
    till.later(hours=1)
    till.catch_up()
    till.earn(500, 400, at=at)
    till.later(hours=6)
    till.catch_up()
    assert (len(till.lines()), till.held()) == (3, 1200)


def test_recent_reading_fetches_only_new_movements(till: EarningsAccount) -> None:
    till.earn(1000, 800)
    till.later(hours=1)
    till.catch_up()
    whole, asked = till.told().read_at, len(till.questions)
    sale = till.earn(500, 400)
    late = till.earn(300, 240, at=till.now() - timedelta(days=3))
    till.later(hours=0.02)
    assert till.read(lately=True)
    assert (till.held(), till.told().read_at) == (1200, whole), (
        "a late movement waits for the next full reading"
    )
    assert len(till.questions) == asked + 1
    till.till.give_back(till.member, sale)
    till.later(hours=0.02)
    assert till.read(lately=True)
    assert till.held() == 800
    till.later(hours=6)
    till.catch_up()
    assert till.held() == till.truth() == 800 + late.net


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("both", [False, True])
def test_reversal_is_booked_once_from_either_list(
    till: EarningsAccount, sign: int, both: bool
) -> None:
    till.till.sign, till.till.tells_reversals = sign, both
    sale = till.earn(1000, 800)
    till.later(hours=1)
    till.till.give_back(till.member, sale, "chargeback", net=1500)
    till.later(hours=1)
    till.catch_up()
    till.till.tells_reversals = not both
    till.later(hours=1)
    till.catch_up()
    assert till.held() == till.truth() == 800 - 1500
    assert [row.kind for row in till.lines()] == ["sale", "refund"]


def test_changed_amount_books_the_difference(till: EarningsAccount) -> None:
    sale = till.earn(1000, 800)
    for gross, net in (
        (1100, 880),
        (1000, 800),
        (1100, 880),
        (1100, 770),
        (1100, 770),
        (0, 0),
        (900, 720),
    ):
        till.later(hours=6)
        till.catch_up()
        sale.gross, sale.net, sale.status = gross, net, "availableForPayout"
    till.later(hours=6)
    till.catch_up()
    assert till.held() == 720
    assert [(row.kind, row.gross_minor, row.fee_minor) for row in till.lines()] == [
        ("sale", 1000, 200),
        ("sale", 100, 20),
        ("refund", 100, 20),
        ("sale", 100, 20),
        ("sale", 0, 110),
        ("refund", 200, 150),
    ], "an amount of zero reverses nothing"


def test_movement_missing_from_the_list_stays_booked_and_is_counted(till: EarningsAccount) -> None:
    till.earn(1000, 800)
    till.earn(500, 400)
    till.later(hours=1)
    till.catch_up()
    rows = till.till.paid[till.member.id]
    lost = rows.pop()
    till.later(hours=6)
    till.catch_up()
    assert (till.held(), till.told().gone) == (1200, 1)
    rows.append(lost)
    till.later(hours=6)
    till.catch_up()
    assert (till.held(), till.told().gone) == (1200, 0)


def test_late_movements_are_found_and_the_first_reading_covers_90_days(
    till: EarningsAccount,
) -> None:
    now = till.now()
    till.earn(1000, 800, at=now - timedelta(days=80))
    till.earn(700, 600, at=now - timedelta(days=100))
    till.catch_up()
    assert till.held() == 800
    till.earn(300, 200, at=now - timedelta(days=30))
    till.later(hours=6)
    till.catch_up()
    assert till.held() == 1000
    assert till.questions[-1].since >= now - timedelta(days=41)


def test_closed_month_keeps_its_lines(till: EarningsAccount) -> None:
    creator, now = till.studio.world.creator_id, till.now()
    month = (now.replace(day=1) - timedelta(days=1)).replace(hour=12)
    till.earn(1000, 800, at=month)
    till.catch_up()
    with till.studio.scope() as scope:
        told = month_close.close_month(scope, creator, month.date())
    till.earn(500, 400, at=month + timedelta(minutes=1))
    till.later(hours=1)
    for _ in range(2):
        till.catch_up()
    assert till.held() == 1200
    with till.studio.scope() as scope:
        found = month_close.load_ledger_month(scope, creator, month.date())
        assert found.close is not None
        assert (found.close.unchanged, found.close.digest) == (True, told)


def test_first_reading_keeps_closed_months_unchanged(till: EarningsAccount) -> None:
    month = (till.now().replace(day=1) - timedelta(days=1)).replace(day=1, hour=12)
    till.earn(1000, 800, at=month)
    with till.studio.scope() as scope:
        month_close.close_month(scope, till.studio.world.creator_id, month.date())
    till.earn(500, 400)
    till.later(hours=1)
    till.catch_up()
    assert till.held() == 400


def test_busy_account_is_read_in_parts(till: EarningsAccount) -> None:
    till.paging, till.pace = PageLimits(most=2), EarningsPace(rows=300)
    begin = till.now() - timedelta(days=2)
    for number in range(600):
        till.earn(100 + number, 90, at=begin + timedelta(minutes=number))
    readings = 1
    while not till.read():
        readings += 1
        assert readings < 40
        till.later(hours=0.1)
    assert readings > 3
    assert (len(till.lines()), till.held()) == (600, till.truth())
    assert till.told().gone == 0


def file(*lines: str, source: str = "Fanvue1x") -> file_reader.StatementFile:
    text = "\n".join(("date,type,reference,gross,fee,currency", *lines)) + "\n"
    return file_reader.read_statement(text.encode(), source)


def test_statement_skips_days_already_read(till: EarningsAccount) -> None:
    sold = till.now() - timedelta(days=3)
    till.earn(1000, 800, at=sold)
    till.catch_up()
    day, other = (f"{at:%Y-%m-%d}" for at in (sold, sold - timedelta(days=20)))
    lines = (
        f"{day} 10:00,sale,a,10.00,2.00,USD",
        f"{other},tip,b,5.00,1.00,USD",
        f"{day},payout,p,8.00,0,USD",
    )
    creator, name = till.studio.world.creator_id, f"{till.source.upper()}.com"
    with till.studio.scope() as scope:
        sheet = file(*lines, source=name)
        fates = [one.fate for one in bookings.preview_statement(scope, creator, sheet, source=name)]
        assert fates == [LineOutcome.TOLD, LineOutcome.NEW, LineOutcome.NEW]
        assert LineOutcome.TOLD not in [
            one.fate
            for one in bookings.preview_statement(scope, creator, sheet, source="Elsewhere")
        ]
        assert bookings.import_statement(scope, creator, sheet, source=name, name="releve.csv") == 2
        assert bookings.import_statement(scope, creator, sheet, source=name, name="releve.csv") == 0
        assert entries.account_balance(
            scope, entries.rail_ledger_account(file_reader.STATEMENT_RAIL, name)
        ) == {"USD": 400 - 800}


def test_reading_skips_days_covered_by_statements(till: EarningsAccount) -> None:
    sold, creator = till.now() - timedelta(days=3), till.studio.world.creator_id
    with till.studio.scope() as scope:
        sheet = file(f"{sold:%Y-%m-%d %H:%M},sale,a,10.00,2.00,USD", source=till.source)
        bookings.import_statement(scope, creator, sheet, source=till.source, name="releve.csv")
    till.earn(1000, 800, at=sold)
    till.earn(300, 200, at=sold - timedelta(days=1))
    till.catch_up()
    assert till.held() == 800 + 200
    assert till.told().left_out == 1


def test_missing_permission_is_reported_once_and_posting_continues(till: EarningsAccount) -> None:
    till.earn(1000, 800)
    till.refuses = lambda: FORBIDDEN
    for _ in range(3):
        till.later(hours=6)
        till.catch_up()
    open_notices = (
        "SELECT message FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL AND cause "
        "LIKE :cause"
    )
    (row,) = till.studio.rows(open_notices, cause="earnings:%")
    assert row.message["code"] == "earning.connect_again"
    assert till.studio.world.channel().state == "active"
    assert till.held() == 0
    till.refuses = lambda: None
    till.later(hours=6)
    till.catch_up()
    assert till.held() == 800
    assert till.studio.rows(open_notices, cause="earnings:%") == []


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_failed_reading_changes_nothing(till: EarningsAccount, status: int) -> None:
    till.refuses = lambda: Response("earnings", status, body={"error": "no"})
    till.earn(1000, 800)
    assert till.read(), "a failed reading is retried at the next beat"
    assert till.lines() == []
    with till.studio.scope() as scope:
        assert (
            platform_earnings.list_earnings_accounts(scope, till.studio.world.creator_id) == []
        ), "the account was never read"


def test_malformed_rows_are_counted_and_the_rest_is_booked(till: EarningsAccount) -> None:
    till.earn(1000, 800)
    till.till.odd = [
        {"gross": 5},
        {"date": "2026-01-01T00:00:00Z", "gross": 5, "net": 5, "source": "payout"},
    ]
    till.later(hours=1)
    till.catch_up()
    till.later(hours=1)
    assert till.read()
    assert till.held() == 800
    assert till.told().unread > 0


def test_platform_without_earnings_is_not_read(till: EarningsAccount) -> None:
    till.earn(1000, 800)
    event = platform_earnings.EarningsDue(till.studio.world.tenant_id, till.studio.world.channel_id)
    platform_earnings.read_earnings(
        event, tenant=till.studio.world.tenant, ask=till.ask, earns={}, summed=till.summed
    )
    assert till.questions == []
    assert till.studio.rows("SELECT 1 FROM earning_readings WHERE tenant_id = :tenant") == []


def test_earnings_are_visible_to_one_agency_only(till: EarningsAccount, studio: Studio) -> None:
    till.earn(1000, 800)
    till.later(hours=1)
    till.catch_up()
    with studio.world.database.scope(UUID(int=7), "system:test") as scope:
        assert platform_earnings.list_earnings_accounts(scope, till.studio.world.creator_id) == []
        assert scope.run("SELECT count(*) FROM earning_readings").scalar_one() == 0


# A property test: each movement is booked once whatever happens.

WEEK = timedelta(days=7)
AMOUNTS = st.sampled_from([(500, 400), (500, 400), (300, 240), (10**10, 8 * 10**9), (200, 250)])
ACTS = st.one_of(
    st.tuples(
        st.just("earn"), AMOUNTS, st.sampled_from(["tip", "post", "renewal"]), st.integers(0, 1)
    ),
    st.tuples(st.just("twins"), AMOUNTS, st.integers(2, 4)),
    st.tuples(st.just("late"), AMOUNTS, st.integers(1, 30)),
    st.tuples(st.just("back"), st.integers(0, 9), st.sampled_from(["refund", "chargeback"])),
    st.tuples(st.just("change"), st.integers(0, 9), AMOUNTS),
    st.tuples(st.just("settle"), st.integers(0, 9)),
    st.tuples(st.just("between"), AMOUNTS),
    st.tuples(st.just("flip")),
    st.tuples(st.just("die"), st.integers(0, 40)),
    st.tuples(st.just("silent"), st.integers(1, 5)),
    st.tuples(st.just("read")),
    st.tuples(st.just("glance")),
)


class History:
    """An account that goes through every event."""

    def __init__(self, studio: Studio, *, numbered: bool, keyset: bool, sign: int) -> None:
        self.till = EarningsAccount(
            studio,
            paging=PageLimits(listed=9),
            pace=EarningsPace(first=timedelta(days=35), at_once=WEEK),
        )
        self.till.till.numbered, self.till.till.keyset, self.till.till.sign = numbered, keyset, sign

    def act(self, kind: str, *how: Any) -> None:
        till, rows = self.till, self.till.till.paid.get(self.till.member.id, [])
        sales = [one for one in rows if one.source not in ("refund", "chargeback")]
        match kind:
            case "earn":
                till.earn(*how[0], how[1], how[2])
            case "twins":
                at = till.now()
                for _ in range(how[1]):
                    till.earn(*how[0], at=at)
            case "late":
                till.earn(*how[0], at=till.now() - timedelta(days=how[1]))
            case "back" if sales:
                till.till.give_back(till.member, sales[how[0] % len(sales)], how[1])
            case "change" if sales and till.till.numbered:
                one = sales[how[0] % len(sales)]
                one.gross, one.net = how[1]
            case "settle" if sales:
                sales[how[0] % len(sales)].status = "availableForPayout"
            case "flip":
                till.till.tells_reversals = not till.till.tells_reversals
            case "between":
                self._once(lambda: till.earn(*how[0]))
                till.read()
            case "die":
                with till.dying(how[0]):
                    till.read()
            case "silent":
                answers = iter([None] * how[0] + [Response("earnings", 503)])
                till.refuses = lambda: next(answers, None)
                till.read()
                till.refuses = lambda: None
            case "read" | "glance":
                till.read(lately=kind == "glance")
        till.later(hours=1)

    def _once(self, act: Any) -> None:
        def between() -> None:
            self.till.till.after_page = None
            act()

        self.till.till.after_page = between


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=st.lists(ACTS, min_size=3, max_size=25),
    habits=st.fixed_dictionaries(
        {"numbered": st.booleans(), "keyset": st.booleans(), "sign": st.sampled_from([1, -1])}
    ),
)
def test_each_movement_is_booked_once_in_any_history(
    studio: Studio, acts: list[Any], habits: dict[str, Any]
) -> None:
    history = History(studio, **habits)
    till = history.till
    for act in acts:
        history.act(*act)
        booked, rows = till.lines(), till.till.paid.get(till.member.id, ())
        assert len([one for one in booked if "+" not in one.line_key]) <= len(rows), (
            "more lines than movements"
        )
    till.till.after_page = None
    for _ in range(8):  # the page boundaries shift each hour
        till.catch_up()
        till.later(hours=1)
    assert till.held() == till.truth()
    before = till.lines()
    till.catch_up()
    assert till.lines() == before
