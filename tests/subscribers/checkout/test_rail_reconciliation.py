"""Telegram's list of a bot's Stars compared with the ledger: each movement is booked once, and the
balances match."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from foundation.db.database import Database
from foundation.i18n.translation import Message
from subscribers.checkout import order_payments
from subscribers.ledger import entries, month_close
from tests.fakes.telegram import server as fake
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    yield create_bot(database, telegram)
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_charge_missing_from_updates_is_delivered(nova: StarsBot) -> None:
    nova.pay(nova.ordered(), told=False)
    nova.listen()
    assert nova.payments() == []
    nova.catch_up()
    assert nova.payments() == [("pack", "matched", PRICE, True)]
    assert nova.pushed() == 1
    assert nova.held() == PRICE == -nova.held("creator_due") - nova.held("agency_due")
    assert nova.even()
    for _ in range(2):
        nova.catch_up()
    assert (len(nova.payments()), nova.pushed(), nova.held()) == (1, 1, PRICE)
    assert nova.notices() == {}


@pytest.mark.parametrize("first", ["told", "listed"])
def test_charge_in_update_and_list_is_one_payment(nova: StarsBot, first: str) -> None:
    nova.pay(nova.ordered())
    for who in ("told", "listed") if first == "told" else ("listed", "told"):
        if who == "listed":
            nova.catch_up()
        else:
            nova.listen()
            nova.drain()
    nova.catch_up()
    assert [row[3] for row in nova.payments()] == [first == "listed"]
    assert (nova.pushed(), nova.even()) == (1, True)


def test_charge_with_a_foreign_payload_needs_a_member(nova: StarsBot) -> None:
    nova.catch_up()
    nova.later(minutes=1)
    nova.stars.charge("mia", 70, "another program's", told=False)
    nova.catch_up()
    assert nova.payments() == [("pack", "orphan", 70, True)]
    assert nova.held("suspense") == -70
    assert "payment.unmatched" in nova.notices()
    assert nova.even()


@pytest.mark.parametrize("told", [True, False])
def test_refunded_unmatched_payment_needs_no_member(nova: StarsBot, told: bool) -> None:
    charge = nova.pay(nova.ordered(), amount=PRICE - 1)
    nova.listen()
    nova.drain()
    assert list(nova.notices()) == ["payment.unmatched"]
    nova.stars.back(charge, told=told)
    nova.listen()
    nova.catch_up()
    assert (nova.notices(), nova.held(), nova.held("suspense"), nova.even()) == ({}, 0, 0, True)


def test_charges_before_the_connection_are_no_sales(nova: StarsBot) -> None:
    old = nova.stars.charge("mia", 70, "another program's", told=False)
    nova.stars.charge("mia", 30, "another program's", told=False)
    nova.stars.back(old)
    nova.catch_up()
    assert (nova.payments(), nova.held(), nova.held("opening")) == ([], 30, -30)
    assert (nova.notices(), nova.even()) == ({}, True)


def test_refund_made_on_telegram_is_booked_once(nova: StarsBot) -> None:
    charge = nova.pay(nova.ordered())
    nova.listen()
    nova.drain()
    nova.stars.back(charge)
    nova.catch_up()
    assert nova.even()
    nova.stars.world.again(nova.stars.bot, nova.stars.world.log[-1])
    for _ in range(2):
        nova.listen()
        nova.catch_up()
    assert (nova.held(), nova.held("creator_due"), nova.held("refunds"), nova.held("sales")) == (
        0,
        0,
        PRICE,
        -PRICE,
    )
    states = nova.rows("SELECT state FROM entitlements WHERE tenant_id = :tenant")
    assert [row.state for row in states] == ["revoked"]
    assert nova.rows("SELECT state FROM orders WHERE tenant_id = :tenant")[0].state == "refunded"


def test_missed_charge_that_was_refunded_is_booked_as_both(nova: StarsBot) -> None:
    nova.stars.back(nova.pay(nova.ordered(), told=False))
    nova.catch_up()
    nova.drain()
    assert (nova.held(), nova.held("sales"), nova.held("refunds"), nova.even()) == (
        0,
        -PRICE,
        PRICE,
        True,
    )


@pytest.mark.parametrize("arrived", [True, False])
def test_refund_with_a_lost_response_is_looked_up_first(nova: StarsBot, arrived: bool) -> None:
    nova.pay(nova.ordered())
    nova.listen()
    nova.drain()
    for _ in range(205):
        nova.stars.other(1)
    nova.catch_up()
    nova.stars.bot.updates.clear()
    cast_fault(nova, "reset_after" if arrived else "reset_before", "refunds")
    payment = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")[0].id
    with nova.scope() as scope:
        order_payments.request_order_refund(scope, payment, reason=Message("refund.done"))
    nova.drain(hours=0.1)
    assert [
        row.state for row in nova.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")
    ] == ["done"]
    backs = [
        one for one in nova.stars.bot.transactions if one.get("receiver", {}).get("type") == "user"
    ]
    assert len(backs) == 1
    tries = nova.rows(
        "SELECT steps FROM attempts WHERE tenant_id = :tenant AND kind = 'refund' ORDER BY n"
    )
    asked = [[step["name"] for step in one.steps] for one in tries]
    looks = ["look"] * 3  # the last 200 entries that were read, and those added since
    assert asked == [["refund"], looks if arrived else [*looks, "refund"]], (
        "never repeated without a lookup"
    )
    nova.catch_up()
    assert nova.even()


def cast_fault(nova: StarsBot, mode: str, on: str) -> None:
    nova.telegram.book.schedule_fault(mode, account=str(nova.stars.bot.id), on=on, seconds=0.2)


def test_withdrawals_and_other_movements_are_booked(nova: StarsBot) -> None:
    nova.pay(nova.ordered())
    nova.listen()
    nova.drain()
    failed = nova.stars.withdraw(100)
    nova.catch_up()
    assert (nova.held(), nova.held("payout:stars")) == (PRICE - 100, 100)
    nova.stars.withdrawal_failed(failed)
    nova.stars.withdraw(60)
    nova.stars.advertise(40)
    nova.catch_up()
    nova.catch_up()
    assert (nova.held(), nova.held("payout:stars"), nova.held("platform_fee")) == (
        PRICE - 100,
        60,
        40,
    )
    assert (nova.notices(), nova.even()) == ({}, True)
    nova.stars.other(5)
    nova.catch_up()
    assert nova.notices() == {"rail.unexplained": {"amount": "5 ⭐", "account": nova.world.account}}
    assert (nova.held("suspense"), nova.even()) == (-5, True)


def test_difference_is_reported_and_not_corrected(nova: StarsBot) -> None:
    nova.pay(nova.ordered())
    nova.listen()
    nova.drain()
    nova.catch_up()
    nova.stars.bot.transactions.append(
        {"id": "ghost", "amount": 30, "date": 0, "receiver": {"type": "other"}}
    )
    nova.catch_up()
    assert nova.notices() == {}, "a payment may arrive between the list and the balance"
    nova.catch_up()
    params = {"account": nova.world.account, "told": f"{PRICE - 30} ⭐", "booked": f"{PRICE} ⭐"}
    assert nova.notices() == {"rail.differs": params}
    assert nova.held() == PRICE
    (reading,) = nova.rows("SELECT * FROM rail_readings WHERE tenant_id = :tenant")
    assert (reading.unread, reading.lies_minor, reading.differs_minor) == (1, PRICE - 30, -30)
    nova.stars.bot.transactions.pop()
    nova.catch_up()
    assert nova.notices() == {}


def test_fractions_of_a_star_add_up(nova: StarsBot) -> None:
    for _ in range(3):
        nova.stars.other(1, nano=400_000_000)
    nova.catch_up()
    nova.catch_up()
    assert nova.held() == 3
    assert set(nova.notices()) == {"rail.unexplained"}


def test_share_of_a_third_party_is_booked_as_fee(nova: StarsBot) -> None:
    charge = nova.pay(nova.ordered(), kept=20)
    nova.listen()
    nova.drain()
    nova.catch_up()
    assert (nova.held(), nova.held("platform_fee"), nova.held("sales"), nova.even()) == (
        230,
        20,
        -PRICE,
        True,
    )
    nova.stars.back(charge)
    nova.catch_up()
    assert (nova.held(), nova.held("platform_fee"), nova.even()) == (0, 0, True)


def test_payment_unlisted_for_a_day_is_reported(nova: StarsBot) -> None:
    nova.pay(nova.ordered())
    nova.stars.hold_back()
    nova.listen()
    nova.drain()
    nova.later(hours=23)
    nova.catch_up()
    assert "rail.unlisted" not in nova.notices()
    nova.later(hours=1)
    nova.catch_up()
    assert nova.notices()["rail.unlisted"] == {
        "amount": f"{PRICE} ⭐",
        "account": nova.world.account,
    }
    nova.stars.list_late()
    nova.catch_up()
    assert (nova.notices(), nova.even()) == ({}, True)


def test_paid_media_is_booked_once(nova: StarsBot) -> None:
    nova.world_says("leo", "bonjour")
    nova.catch_up()
    nova.later(minutes=1)
    seen, unknown = nova.stars.media("leo", 40, "post:7"), nova.stars.media("zoe", 10, "post:7")
    for _ in range(2):
        nova.catch_up()
    assert nova.payments() == [
        ("paid_media", "matched", 40, True),
        ("paid_media", "matched", 10, True),
    ]
    assert (nova.held("sales"), nova.notices(), nova.even()) == (-50, {}, True)
    kept = nova.rows(
        "SELECT native_id, payload FROM rail_lines WHERE tenant_id = :tenant ORDER BY "
        "amount_minor DESC"
    )
    assert [(row.native_id, row.payload) for row in kept] == [(seen, "post:7"), (unknown, "post:7")]
    facts = nova.rows("SELECT spent FROM fan_facts WHERE tenant_id = :tenant")
    assert [row.spent for row in facts] == [{"XTR": 40}]
    assert len(nova.days) == 1
    nova.stars.world.chat(nova.stars.bot, "zoe")
    nova.stars.back(unknown)
    nova.catch_up()
    assert (nova.held(), nova.held("refunds"), nova.even()) == (40, 10, True)


def test_closed_month_stays_unchanged(nova: StarsBot) -> None:
    nova.later(hours=24 * 2)
    order_id = nova.ordered()
    nova.catch_up()
    nova.pay(order_id, told=False)
    with nova.scope() as scope:
        month = scope.now.date().replace(day=1)
    nova.later(hours=24 * 32)
    with nova.scope() as scope:
        month_close.close_month(scope, nova.world.creator_id, month)
    nova.catch_up()
    with nova.scope() as scope:
        closed = month_close.load_ledger_month(scope, nova.world.creator_id, month).close
        assert closed is not None
        assert closed.unchanged
        (total,) = entries.creator_totals(
            scope, nova.world.creator_id, scope.now - timedelta(days=1), scope.now
        )
    assert (total.gross_minor, nova.pushed()) == (PRICE, 1)
