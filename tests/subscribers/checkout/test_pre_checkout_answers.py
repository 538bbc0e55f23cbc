"""Answers to pre-checkout queries: accepted, or refused with a reason for the payer, and never in
another fan's chat."""

from collections.abc import Iterator
from typing import Any

import pytest

from foundation.db.database import Database
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from subscribers.checkout import monthly_payments, order_payments
from subscribers.conversations import conversation_rows
from tests.fakes.telegram import server as fake
from tests.fakes.telegram.state import Checkout
from tests.subscribers.stars_builders import PRICE, StarsBot, create_bot
from tests.subscribers.subscription_builders import add_plan, answer_checkout, offer_subscription


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    yield create_bot(database, telegram)
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def invoice(nova: StarsBot, name: str = "leo") -> dict[str, Any]:
    """Return the newest invoice in a fan's chat."""
    return [one for one in nova.stars.world.seen(nova.stars.bot, name) if "invoice" in one][-1]


def tap(nova: StarsBot, name: str, of: str = "leo") -> Checkout:
    """Pay the newest invoice of a fan as the named user, in the original chat or a forward."""
    checkout = nova.stars.world.begin(nova.stars.bot, name, invoice(nova, of)["_invoice"])
    nova.hear()
    nova.drain()
    return checkout


def test_valid_payment_is_accepted(nova: StarsBot) -> None:
    nova.ordered()
    assert tap(nova, "leo").state == "paid"


def test_forwarded_invoice_opens_the_bot(nova: StarsBot) -> None:
    nova.ordered()
    assert invoice(nova)["invoice"]["start_parameter"]


def test_stranger_is_refused_in_their_language_without_a_message_to_the_fan(nova: StarsBot) -> None:
    nova.ordered()
    nova.stars.world.person("eve", "en")
    before = nova.stars.world.texts(nova.stars.bot, "leo")
    for _ in range(3):
        checkout = tap(nova, "eve")
        assert (checkout.state, checkout.words) == (
            "refused",
            "This invoice is for another customer. You have not been charged.",
        )
    assert nova.stars.world.texts(nova.stars.bot, "leo") == before
    assert (
        nova.rows(
            "SELECT 1 FROM fan_identities WHERE tenant_id = :tenant AND native_id = :eve",
            eve=eve(nova),
        )
        == []
    )


def eve(nova: StarsBot) -> str:
    return str(nova.stars.world.person("eve").id)


def test_refused_fan_reads_the_reason_during_checkout(nova: StarsBot) -> None:
    order_id = nova.ordered()
    with nova.scope() as scope:
        scope.run(
            "UPDATE orders SET amount_minor = 1 WHERE tenant_id = :tenant", tenant=scope.tenant_id
        )
    checkout = tap(nova, "leo")
    assert (checkout.state, checkout.words) == (
        "refused",
        "Le montant ne correspond pas à la commande. Vous n’avez pas été débité.",
    )
    assert nova.payments() == []
    left = nova.rows(
        "SELECT gone_at, gone_proof FROM permits WHERE tenant_id = :tenant AND subject_kind = "
        "'checkout'"
    )
    assert [(row.gone_at is not None, row.gone_proof) for row in left] == [(True, "shown_once")]
    with nova.scope() as scope:
        assert order_payments.order_rows.get_order(scope, order_id).state == "invoiced"


@pytest.mark.parametrize("fault", ["reset_after", "status:500"])
def test_refusal_with_a_lost_response_blocks_no_later_payment(nova: StarsBot, fault: str) -> None:
    nova.ordered()
    nova.telegram.book.schedule_fault(fault, account=str(nova.stars.bot.id), on="checkouts")
    tap(nova, "eve")
    assert tap(nova, "leo").state == "paid"


def test_suspected_minors_checkout_times_out(nova: StarsBot) -> None:
    nova.ordered()
    with nova.scope() as scope:
        age_assurance.mark_suspected_minor(
            scope, "telegram", str(nova.stars.world.person("leo").id)
        )
    checkout = tap(nova, "leo")
    assert checkout.state in ("asked", "refused")
    assert nova.payments() == []


def test_recurring_charge_on_an_order_is_not_refunded_automatically(nova: StarsBot) -> None:
    """The fan did not pay twice: the platform charged a recurring payment. A member decides what it
    is."""
    order_id = nova.ordered()
    nova.pay(order_id)
    nova.listen()
    nova.drain()
    nova.pay(order_id, recurring=True)
    nova.listen()
    nova.drain()
    nova.pay(order_id, told=False, recurring=True)
    nova.catch_up()
    assert [kind for _, kind, _, _ in nova.payments()] == ["matched", "orphan", "orphan"]
    assert nova.rows("SELECT 1 FROM refunds WHERE tenant_id = :tenant") == []
    assert nova.held("suspense") == -2 * PRICE
    assert list(nova.notices()) == ["payment.unmatched"]
    assert not any(
        "payé deux fois" in text for text in nova.stars.world.texts(nova.stars.bot, "leo")
    )


@pytest.mark.parametrize("feature", ["offers", "payments"])
def test_sales_stop_blocks_open_invoices_too(nova: StarsBot, feature: str) -> None:
    """A member stops sales in one chat: earlier offers can no longer be paid."""
    add_plan(nova)
    month = offer_subscription(nova)
    nova.ordered()
    nova.later(minutes=2)
    assert answer_checkout(nova, month) == "yes"
    nova.later(minutes=2)
    who, talk = (
        str(nova.stars.world.person("leo").id),
        nova.thread(str(nova.stars.world.person("leo").id)).id,
    )
    with nova.scope() as scope:
        emergency_stops.close_switch(
            scope, "chat", f"{nova.world.channel_id}:{who}", feature, reason="too much"
        )
    assert (tap(nova, "leo").state, answer_checkout(nova, month)) == ("refused", "not_now")
    with nova.scope() as scope:
        assert (
            monthly_payments.list_offerable_plans(
                scope, conversation_rows.get_conversation(scope, talk)
            )
            == []
        )
    assert nova.payments() == []
