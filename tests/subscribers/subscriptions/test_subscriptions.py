"""Monthly subscriptions: each month is one sale, whether reported or listed, and a cancelled one is
charged no more."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from connectors.contract.outcomes import Rejected
from foundation.db.database import Database
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from gate.viewers import age_assurance
from insights.reports import daily_report
from insights.rollups import daily_rollups
from insights.rollups.events import SaleRecorded
from subscribers.catalog import offers
from subscribers.fans import directory
from subscribers.intake import update_intake
from subscribers.ledger import month_close
from subscribers.orders import refunds
from subscribers.subscriptions import plans, subscription_rows
from tests.fakes.telegram import server as fake
from tests.fakes.telegram import subscriptions
from tests.fakes.telegram.state import Checkout
from tests.subscribers.stars_builders import RAIL, StarsBot, create_bot
from tests.subscribers.subscription_builders import (
    MONTH,
    add_plan,
    add_subscription,
    answer_checkout,
    get_stars_rail,
    get_subscription_row,
    list_month_payments,
    list_texts,
    offer_subscription,
    pay_newest_link,
    press_button,
    renew_month,
    send_message,
)


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.TelegramServer]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.TelegramServer) -> Iterator[StarsBot]:
    made = create_bot(database, telegram)
    add_plan(made)
    made.later(minutes=1)  # the revenue split must precede the first sale
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_fan_subscribes_by_link_and_gets_access(nova: StarsBot) -> None:
    send_message(nova, "/subscription")
    press_button(nova, "subscribe")
    (link,) = nova.stars.bot.links.values()
    assert (link["amount"], link["period"]) == (MONTH, 2_592_000)
    shown = nova.stars.world.seen(nova.stars.bot, "leo")[-1]
    assert shown["text"] == "Le cercle\n\nUn pack nouveau chaque mois"
    assert shown["reply_markup"]["inline_keyboard"][0][0]["text"] == "S’abonner · 300 ⭐ / 30 jours"
    assert pay_newest_link(nova).state == "paid"
    nova.hear()
    nova.drain()
    assert list_month_payments(nova) == [("subscription", "matched", MONTH, False)]
    assert any(text.startswith("Vous êtes abonné à Le cercle, 300 ⭐") for text in list_texts(nova))
    press_button(nova, "purchases")
    assert nova.pushed() == 1
    assert nova.held() == MONTH == -nova.held("creator_due") - nova.held("agency_due")
    assert (nova.even(), nova.notices()) == (True, {})


@pytest.mark.parametrize("by", ["update", "list", "both"])
def test_renewal_is_one_sale_from_update_and_list(nova: StarsBot, by: str) -> None:
    found = add_subscription(nova)
    nova.catch_up()
    before = get_subscription_row(nova, found).until
    assert renew_month(nova, told=by != "list")
    if by != "list":
        nova.hear()
        nova.drain()
    if by != "update":
        nova.catch_up()
    nova.hear()
    nova.catch_up()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "matched"]
    row = get_subscription_row(nova, found)
    assert row.state == "active"
    assert timedelta(days=29) < row.until - before < timedelta(days=31)
    assert (nova.held(), nova.held("sales"), nova.even()) == (2 * MONTH, -2 * MONTH, True)
    assert nova.rows("SELECT 1 FROM refunds WHERE tenant_id = :tenant") == []
    assert sum("a été renouvelé" in text for text in list_texts(nova)) == 1
    assert nova.notices() == {}


ACTS = ("hear", "again", "read", "renew", "renew_lost", "back", "drain", "late")


@settings(
    max_examples=10,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@example(acts=["renew_lost", "read", "back", "renew", "again", "read", "hear", "again"])
@given(st.lists(st.sampled_from(ACTS), max_size=8))
def test_any_order_of_events_counts_each_month_once(
    database: Database, telegram: fake.TelegramServer, acts: list[str]
) -> None:
    nova = create_bot(database, telegram)
    add_plan(nova)
    found = add_subscription(nova)
    taken = 1
    for act in acts:
        if act in ("renew", "renew_lost") and taken < 3:
            taken += bool(renew_month(nova, told=act == "renew"))
        else:
            step(nova, act)
    nova.stars.list_late()
    for _ in range(2):
        nova.hear()
        nova.catch_up()
        nova.drain(hours=1)
    rows = nova.rows("SELECT charge_id, kind FROM payments WHERE tenant_id = :tenant")
    assert (len(rows), {row.kind for row in rows}) == (taken, {"matched"})
    left = nova.rows(
        "SELECT max(m.until) AS until FROM subscription_months m LEFT JOIN refunds r ON "
        "r.tenant_id = m.tenant_id"
        " AND r.payment_id = m.payment_id WHERE m.tenant_id = :tenant AND r.id IS NULL"
    )
    assert get_subscription_row(nova, found).until == left[0].until
    assert nova.even()


def step(nova: StarsBot, act: str) -> None:
    stars = nova.stars
    if act == "hear":
        nova.hear()
    elif act == "again":
        stars.world.again(stars.bot, *[one for one in stars.world.log if mine(nova, one)][-2:])
        nova.hear()
    elif act == "read":
        nova.later(minutes=15)
        nova.reconcile()
    elif act == "back":
        listed = [one["id"] for one in stars.bot.transactions]
        charges = [one for one in listed if listed.count(one) == 1]
        if charges:
            stars.back(charges[0])
    elif act == "late" and stars.bot.transactions and not stars.bot.late:
        if "source" in stars.bot.transactions[-1]:
            stars.hold_back()
    elif act == "drain":
        nova.drain()


def mine(nova: StarsBot, update: Any) -> bool:
    """Return True if an update reports a charge of this bot."""
    message = update.get("message", {})
    told = message.get("successful_payment") or message.get("refunded_payment") or {}
    return told.get("telegram_payment_charge_id") in {
        one["id"] for one in nova.stars.bot.transactions
    }


def test_checkout_is_answered_by_the_state_of_the_subscription(nova: StarsBot) -> None:
    found = offer_subscription(nova)
    assert answer_checkout(nova, None) == "unknown"
    assert answer_checkout(nova, uuid7()) == "unknown"
    assert answer_checkout(nova, found, payer="1") == "not_yours"
    assert answer_checkout(nova, found, money=Money(MONTH - 1, "XTR")) == "changed"
    assert answer_checkout(nova, found) == "yes"
    assert answer_checkout(nova, found) == "running"
    nova.later(minutes=2)
    with nova.scope() as scope:
        age_assurance.mark_suspected_minor(
            scope, "telegram", str(nova.stars.world.person("leo").id)
        )
    assert answer_checkout(nova, found) == "not_now"
    nova.later(hours=25)
    assert answer_checkout(nova, found) == "expired"


def test_active_subscriber_cannot_pay_twice(nova: StarsBot) -> None:
    found = add_subscription(nova)
    assert answer_checkout(nova, found) == "subscribed"
    nova.world.pass_time(timedelta(days=29).total_seconds())
    assert answer_checkout(nova, found) == "yes", "a renewal sent as a checkout would be accepted"


def test_stranger_cannot_pay_by_anothers_link(nova: StarsBot) -> None:
    offer_subscription(nova)
    before = list_texts(nova)
    checkout = pay_newest_link(nova, "eve", of="leo")
    assert checkout.state == "refused"
    assert "une autre personne" in checkout.words
    nova.drain()
    assert (list_texts(nova), nova.payments()) == (before, [])


@pytest.mark.parametrize("wrong", ["amount", "payer"])
def test_month_with_wrong_amount_or_payer_needs_a_member(nova: StarsBot, wrong: str) -> None:
    found = add_subscription(nova)
    payload = get_stars_rail().monthly_payload(nova.world.tenant_id, found)
    who, amount = ("eve", MONTH) if wrong == "payer" else ("leo", MONTH - 1)
    nova.stars.charge(who, amount, payload, recurring=True)
    nova.hear()
    nova.drain()
    nova.catch_up()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "orphan"]
    assert nova.held("suspense") == -amount
    assert list(nova.notices()) == ["payment.unmatched"]
    assert nova.even()


def test_month_with_a_refused_refund_stays_paid(nova: StarsBot) -> None:
    """We kept its money, so a second payment for the month would be refunded."""
    found = add_subscription(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    with nova.scope() as scope:
        refunds.request_refund(scope, payment.id, reason=Message("refund.goodwill"))
        refunds.settle_refund(
            scope, payment.id, Rejected(Message("refund.forgotten"), permanent=True)
        )
        row = subscription_rows.get_subscription(scope, found)
        assert row.until is not None
        assert subscription_rows.is_month_paid(scope, row, row.until)


def test_second_concurrent_subscription_is_refunded_and_cancelled(nova: StarsBot) -> None:
    """Two links and two simultaneous payments: the network accepts both."""
    found = add_subscription(nova)
    world, star = nova.stars.world, nova.stars.bot
    (link,) = star.links.values()
    subscriptions.start_subscription(
        world, star, Checkout("2", world.chat(star, "leo"), link, world.clock())
    )
    nova.hear()
    nova.drain()
    nova.catch_up()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "duplicate"]
    first, second = star.subscriptions.values()
    assert (first.cancelled, second.cancelled) == (False, True)
    assert (nova.held(), get_subscription_row(nova, found).state, nova.even()) == (
        MONTH,
        "active",
        True,
    )
    assert sum("payé deux fois" in text for text in list_texts(nova)) == 1


def test_charge_of_a_closed_month_counts_today(nova: StarsBot) -> None:
    add_subscription(nova)
    nova.catch_up()
    assert renew_month(nova, told=False)
    gone = timedelta(days=40)
    nova.world.pass_time(gone.total_seconds())
    with nova.scope() as scope:
        today, first = scope.now, scope.now.date().replace(day=1)
        while first > (today - gone).date():  # the month of the payment and those since
            first = (first - timedelta(days=1)).replace(day=1)
            if first not in month_close.list_closed_months(scope, nova.world.creator_id):
                month_close.close_month(scope, nova.world.creator_id, first)
    nova.catch_up()
    (month,) = nova.rows(
        "SELECT p.at, m.until FROM payments p JOIN subscription_months m ON m.payment_id = p.id"
        " AND m.tenant_id = p.tenant_id WHERE p.tenant_id = :tenant AND p.recovered"
    )
    assert month.at >= today
    assert month.until < today, "it was paid for then, not for now"
    assert (nova.held(), nova.even()) == (2 * MONTH, True)


def test_subscription_payload_resolves_for_its_tenant_only(
    nova: StarsBot, database: Database, telegram: fake.TelegramServer
) -> None:
    found = offer_subscription(nova)
    payload = get_stars_rail().monthly_payload(nova.world.tenant_id, found)
    other = create_bot(database, telegram)
    other.stars.charge("leo", MONTH, payload, recurring=True)
    other.hear()
    other.drain()
    assert [kind for _, kind, _, _ in other.payments()] == ["orphan"]
    assert answer_checkout(other, found) == "unknown"
    with other.scope() as scope, pytest.raises(NotFound):
        plans.get_plan(scope, get_subscription_row(nova, found).plan_id)
    order_id = nova.ordered("mia")
    assert get_stars_rail().monthly_payload(nova.world.tenant_id, order_id) != nova.payload(
        order_id
    )


def test_pack_of_a_subscription_is_not_offered_for_sale(nova: StarsBot) -> None:
    add_subscription(nova)
    thread = nova.thread(str(nova.stars.world.person("leo").id))
    with nova.scope() as scope:
        talk = update_intake.conversation_rows.lock_conversation(scope, thread.id)
        fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
        assert offers.list_offers(scope, fan, talk, channel=nova.world.channel(), rail=RAIL) == ()


def test_daily_totals_include_the_month(nova: StarsBot) -> None:
    add_subscription(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    daily_rollups.roll_up_days_of_sale(
        SaleRecorded(nova.world.tenant_id, payment.id), tenant=nova.world.tenant
    )
    (day,) = nova.rows("SELECT gross_minor, orders FROM sales_daily WHERE tenant_id = :tenant")
    assert (day.gross_minor, day.orders) == (MONTH, 1)
    with nova.scope() as scope:
        found = daily_report.load_daily_report(
            scope, nova.world.creator_id, local_day(scope.now, "Europe/Paris")
        )
    assert [(one.kind, one.title, one.amount) for one in found.orders] == [
        ("sale", "Le cercle", Money(MONTH, "XTR"))
    ]
    assert found.balanced


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_minor": 0},
        {"price_minor": 10_001},
        {"title": ""},
        {"title": "x" * 33},
        {"description": ""},
        {"opens": []},
    ],
)
def test_plan_outside_the_platforms_limits_is_refused(
    nova: StarsBot, wrong: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        add_plan(nova, **wrong)
