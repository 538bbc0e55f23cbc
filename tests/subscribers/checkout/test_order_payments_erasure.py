"""Erasure of a fan with a refund in progress: the money is refunded, then the platform's user ID is
erased too."""

from collections.abc import Iterator
from typing import Any

import pytest

from foundation.db.database import Database
from foundation.i18n.translation import Message
from subscribers.checkout import order_payments
from subscribers.erasure import erase_fan
from tests.fakes.telegram import server as fake
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot

ASKED = Message("refund.by_member.asked")


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    yield create_bot(database, telegram)
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def paid(nova: StarsBot, amount: int = PRICE) -> Any:
    """Record a payment of a fan; return it."""
    nova.pay(nova.ordered(), amount=amount)
    nova.listen()
    nova.drain()
    (row,) = nova.rows("SELECT * FROM payments WHERE tenant_id = :tenant")
    return row


def forget(nova: StarsBot) -> None:
    """Erase the fan."""
    (fan,) = nova.rows("SELECT id FROM fans WHERE tenant_id = :tenant")
    with nova.scope() as scope:
        erase_fan(scope, fan.id)


def states(nova: StarsBot) -> list[tuple[str, str]]:
    """Return the refunds' states and their payers in the ledger."""
    rows = nova.rows(
        "SELECT r.state, p.payer FROM refunds r JOIN payments p ON p.tenant_id = r.tenant_id AND "
        "p.id = r.payment_id"
        " WHERE r.tenant_id = :tenant"
    )
    return [(row.state, row.payer) for row in rows]


def test_refund_in_progress_completes_after_erasure(nova: StarsBot) -> None:
    payment = paid(nova)
    with nova.scope() as scope:
        order_payments.request_order_refund(scope, payment.id, reason=ASKED)
    forget(nova)
    nova.drain()
    assert (states(nova), nova.stars.bot.balance, nova.held()) == ([("done", "")], 0, 0)
    assert nova.notices() == {}, "an erased fan gets no message"


def test_refund_for_an_erased_fan_needs_a_member(nova: StarsBot) -> None:
    payment = paid(nova)
    forget(nova)
    for _ in range(2):
        with nova.scope() as scope:
            order_payments.request_order_refund(scope, payment.id, reason=ASKED)
        nova.drain()
    assert (states(nova), nova.stars.bot.balance) == ([("failed", "")], PRICE)
    assert nova.notices() == {"refund.forgotten": {"amount": f"{PRICE} ⭐"}}


def test_unmatched_payment_of_an_erased_fan_is_still_refunded(nova: StarsBot) -> None:
    payment = paid(nova, PRICE - 1)
    forget(nova)
    with nova.scope() as scope:
        order_payments.request_order_refund(scope, payment.id, reason=ASKED)
    nova.drain()
    assert (states(nova), nova.stars.bot.balance, nova.notices()) == ([("done", "")], 0, {})
