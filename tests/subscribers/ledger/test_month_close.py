"""Payments reported after their month was closed: the month stays unchanged, and the payment counts
today."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from foundation.db.database import Database
from subscribers.checkout import order_payments
from subscribers.ledger import entries, month_close
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.telegram import server as fake
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot
from tests.subscribers.subscription_builders import (
    MONTH,
    add_plan,
    offer_subscription,
    pay_newest_link,
)


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    made = create_bot(database, telegram)
    add_plan(made)
    with made.scope() as scope:
        end = month_close.month_bounds("Europe/Paris", scope.now.date())[1]
        left = end - timedelta(hours=3) - scope.now
    made.later(hours=max(left.total_seconds() / 3600, 0.1))
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


@pytest.mark.parametrize(("what", "money"), [("a pack", PRICE), ("a month", MONTH)])
def test_late_payment_does_not_change_a_closed_month(nova: StarsBot, what: str, money: int) -> None:
    if what == "a pack":
        nova.pay(nova.ordered())
    else:
        offer_subscription(nova)
        assert pay_newest_link(nova).state == "paid"
    with nova.scope() as scope:
        month, paid_at = scope.now.date().replace(day=1), scope.now
    nova.later(hours=4)  # the installation was down while the updates waited
    with nova.scope() as scope:
        month_close.close_month(scope, nova.world.creator_id, month)
    nova.hear()
    nova.drain()
    with nova.scope() as scope:
        close = month_close.load_ledger_month(scope, nova.world.creator_id, month).close
        assert close is not None
        assert close.unchanged
        since, until = paid_at + timedelta(hours=3), scope.now + timedelta(seconds=1)
        (total,) = entries.creator_totals(scope, nova.world.creator_id, since, until)
    assert (total.gross_minor, nova.even()) == (money, True)


def test_payment_concurrent_with_month_close_is_included(nova: StarsBot) -> None:
    fact = nova.fact(nova.ordered(), "c1")
    with nova.scope() as scope:
        month = scope.now.date().replace(day=1)
    nova.later(hours=4)

    def close() -> str:
        with nova.scope() as scope:
            return month_close.close_month(scope, nova.world.creator_id, month)

    with ThreadPoolExecutor() as pool:
        with nova.scope() as scope:
            order_payments.record_payment(scope, fact)
            closed = pool.submit(close)
            wait_until(lambda: closed.done() or bool(scope.run(WAITS_FOR_US).scalar_one()))
        told = closed.result()
    with nova.scope() as scope:
        found = month_close.load_ledger_month(scope, nova.world.creator_id, month)
    assert found.close is not None
    assert (found.close.digest, found.close.unchanged) == (told, True)
    assert found.lines
