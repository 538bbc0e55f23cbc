"""Any order, repetition, delay or crash: each charge is one sale, and the ledger balances."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from foundation.db.database import Database
from subscribers.checkout import order_payments
from subscribers.checkout.rail_reconciliation import ReconciliationPace
from subscribers.orders import refunds
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.telegram import server as fake
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot

PAGE = 100


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    yield create_bot(database, telegram)
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


ACTS = (
    "hear",
    "again",
    "read",
    "read",
    "back",
    "back_told",
    "pay_again",
    "withdraw",
    "late",
    "drain",
)


@settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@example(
    acts=["hear", "read", "back_told", "pay_again", "read", "late", "drain", "again"], told=True
)
@given(st.lists(st.sampled_from(ACTS), max_size=8), st.booleans())
def test_any_order_of_events_books_each_charge_once(
    database: Database, telegram: fake.TelegramServer, acts: list[str], told: bool
) -> None:
    nova = create_bot(database, telegram)
    order_id = nova.ordered()
    charges = [nova.pay(order_id, told=told)]
    gone: set[str] = set()
    for act in acts:
        step(nova, act, charges, gone, order_id)
    nova.stars.list_late()
    for _ in range(3):
        nova.listen()
        nova.catch_up()
        nova.drain(hours=1)
    nova.catch_up()
    assert nova.even()
    assert set(nova.notices()) <= {"fulfilment.late"}, "a delivery may have waited for its turn"
    payments = nova.rows(
        "SELECT charge_id, kind FROM payments WHERE tenant_id = :tenant ORDER BY id"
    )
    assert {row.charge_id for row in payments} == set(charges)
    assert len(payments) == len(charges)
    assert sum(row.kind == "matched" for row in payments) == 1
    assert nova.pushed() <= 1, "a pack is delivered at most once"
    assert len(nova.rows("SELECT 1 FROM rail_lines WHERE tenant_id = :tenant")) == len(
        nova.stars.bot.transactions
    )


def step(nova: StarsBot, act: str, charges: list[str], gone: set[str], order_id: Any) -> None:
    """Perform one event."""
    stars = nova.stars
    if act == "hear":
        nova.listen()
    elif act == "again":
        stars.world.again(stars.bot, *[one for one in stars.world.log if mine(charges, one)][-2:])
        nova.listen()
    elif act == "read":
        nova.later(minutes=15)
        nova.reconcile()
    elif act in ("back", "back_told"):
        left = [one for one in charges if one not in gone and listed(nova, one) == 1]
        if left:
            stars.back(left[0], told=act == "back_told")
            gone.add(left[0])
    elif act == "pay_again" and len(charges) < 2:
        charges.append(nova.pay(order_id, told=False))
    elif act == "withdraw" and stars.bot.balance >= 10:
        stars.withdraw(10)
    elif act == "late" and stars.bot.transactions and not stars.bot.late:
        if "source" in stars.bot.transactions[-1]:
            stars.hold_back()
    elif act == "drain":
        nova.drain()


def mine(charges: list[str], update: Any) -> bool:
    """Return True if an update reports one of these charges."""
    message = update.get("message", {})
    told = message.get("successful_payment") or message.get("refunded_payment") or {}
    return told.get("telegram_payment_charge_id") in charges


def listed(nova: StarsBot, charge: str) -> int:
    return sum(one["id"] == charge for one in nova.stars.bot.transactions)


def test_crash_at_any_point_loses_and_doubles_nothing(nova: StarsBot) -> None:
    order_id = nova.ordered()
    nova.stars.back(nova.stars.charge("mia", 5, "another program's"))
    lost = nova.pay(order_id, told=False)
    nova.stars.back(nova.pay(order_id, told=False))
    nova.stars.withdraw(40)
    nova.stars.media("leo", 15, "post:7")
    died = 0
    for at in range(200):
        with nova.dying(at):
            nova.later(minutes=15)
            assert nova.reconcile()
            break
        died += 1
    assert died > 20, "every movement is one transaction"
    nova.drain()
    nova.catch_up()
    rows = nova.rows(
        "SELECT charge_id, kind FROM payments WHERE tenant_id = :tenant AND product = 'pack' "
        "ORDER BY id"
    )
    assert [row.kind for row in rows] == ["matched", "duplicate"]
    assert rows[0].charge_id == lost
    assert (nova.pushed(), nova.even(), nova.notices()) == (1, True, {})


def test_crash_between_pages_loses_and_doubles_nothing(nova: StarsBot) -> None:
    order_id = nova.ordered()
    for _ in range(130):
        nova.stars.advertise(1)
    nova.pay(order_id, told=False)
    late = 0
    for at in range(40, 4000, 40):
        nova.starts.clear()
        with nova.dying(at):
            nova.later(minutes=15)
            assert nova.reconcile()
            break
        late += 100 in nova.starts
    assert late, "it crashed on the second page"
    nova.catch_up()
    assert nova.payments() == [("pack", "matched", PRICE, True)]
    assert (nova.pushed(), nova.even()) == (1, True)


def test_long_list_is_continued_from_its_cursor(nova: StarsBot) -> None:
    order_id = nova.ordered()
    for _ in range(450):
        nova.stars.advertise(1)
    nova.pace = ReconciliationPace(pages=3)
    assert not nova.reconcile()
    assert nova.starts == [0, 100, 200]
    nova.pay(order_id, told=False)
    nova.starts.clear()
    assert not nova.reconcile()
    assert nova.reconcile()
    assert nova.starts == [100, 200, 300, 200, 300, 400], (
        "each reading starts 200 entries before its cursor"
    )
    assert nova.payments() == [("pack", "matched", PRICE, True)]


def test_charge_listed_late_is_found(nova: StarsBot) -> None:
    nova.pay(nova.ordered(), told=False)
    nova.stars.hold_back()
    for _ in range(150):
        nova.stars.advertise(0)
    nova.catch_up()
    nova.stars.list_late()
    nova.catch_up()
    assert (nova.payments(), nova.even()) == ([("pack", "matched", PRICE, True)], True)


def test_nightly_reading_covers_more_of_the_list(nova: StarsBot) -> None:
    for _ in range(350):
        nova.stars.advertise(0)
    nova.catch_up()
    nova.starts.clear()
    nova.catch_up()
    assert nova.starts == [150, 250, 350]
    nova.later(hours=24)
    nova.starts.clear()
    nova.catch_up()
    assert nova.starts == [0, 100, 200, 300]


def test_replaced_list_is_read_from_the_start(nova: StarsBot) -> None:
    for _ in range(350):
        nova.stars.advertise(0)
    nova.catch_up()
    order_id = nova.ordered()
    nova.stars.bot.transactions.clear()
    nova.pay(order_id, told=False)
    nova.catch_up()
    assert nova.payments() == [("pack", "matched", PRICE, True)]


@pytest.mark.parametrize("fault", ["reset_after", "reset_before", "hang"])
def test_failed_page_is_requested_again(nova: StarsBot, fault: str) -> None:
    nova.pay(nova.ordered(), told=False)
    nova.telegram.book.schedule_fault(
        fault, account=str(nova.stars.bot.id), on="lookups", seconds=0.2
    )
    assert nova.reconcile()
    nova.catch_up()
    assert (len(nova.payments()), nova.even()) == (1, True)


@pytest.mark.parametrize("back", [False, True])
def test_charge_in_update_and_list_at_once_is_booked_once(nova: StarsBot, back: bool) -> None:
    order_id = nova.ordered()
    nova.catch_up()
    charge = nova.pay(order_id, told=False)
    if back:
        nova.catch_up()
        nova.stars.back(charge)
    reader = Thread(target=nova.reconcile)
    with nova.scope() as scope:  # the listener's transaction is not committed yet
        if back:
            refunds.record_refund(scope, rail="stars", account=nova.world.account, charge_id=charge)
        else:
            order_payments.record_payment(scope, nova.fact(order_id, charge))
        reader.start()
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
    reader.join(60)
    nova.drain()
    nova.catch_up()
    assert [(kind, recovered) for _, kind, _, recovered in nova.payments()] == [("matched", back)]
    assert (nova.held(), nova.even()) == (0 if back else PRICE, True)
    assert nova.held("sales") == -PRICE
