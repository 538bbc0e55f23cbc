"""Paid month by month: each month is one sale whoever tells of it, and nothing is taken of who stopped."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from foundation.database import Database
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from foundation.words import Message
from gate import viewers
from insights import rollups
from insights.events import SaleSeen
from subscribers import closing, conversation, directory, offers, orders, plans, subscriptions
from subscribers.rails.contract import PERIOD, CheckoutQuery, MonthlyRail
from subscribers.subscribing import Subscription
from tests.fakes import telegram as fake
from tests.fakes import telegram_months
from tests.fakes.telegram_world import Checkout
from tests.subscribers.purses import RAIL, Bot, bot

MONTH = 300


@pytest.fixture(scope="module")
def telegram() -> Iterator[fake.Network]:
    with fake.network() as started:
        yield started


@pytest.fixture
def nova(database: Database, telegram: fake.Network) -> Iterator[Bot]:
    made = bot(database, telegram)
    plan(made)
    made.later(minutes=1)  # how sales are divided is said before the first of them
    yield made
    telegram.book.clear()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def plan(nova: Bot, **more: Any) -> UUID:
    values = {"title": "Le cercle", "description": "Un pack nouveau chaque mois", "price_minor": MONTH}
    with nova.scope() as scope:
        house = nova.world
        opens = {"creator_id": house.creator_id, "channel_id": house.channel_id, "opens": [nova.pack_id]}
        return plans.make(scope, **{**values, **opens, **more})


def rail() -> MonthlyRail:
    assert isinstance(RAIL, MonthlyRail)
    return RAIL


def offered(nova: Bot, name: str = "leo") -> UUID:
    """A fan with the link before them; the subscription."""
    nova.world_says(name, "bonjour")
    thread = nova.thread(str(nova.stars.world.person(name).id))
    with nova.scope() as scope:
        talk = conversation.talks.locked(scope, thread.id)
        (chosen,) = plans.on_sale(scope, talk.channel_id)
        row = subscriptions.offer(scope, talk, chosen.id, rail())
        assert row is not None
        found = row.id
    nova.drain()
    return found


def tap(nova: Bot, name: str = "leo", of: str = "") -> Checkout:
    checkout = telegram_months.subscribe(nova.stars.world, nova.stars.bot, name, of)
    nova.hear()
    return checkout


def begun(nova: Bot, name: str = "leo") -> UUID:
    """A fan whose first month is paid and heard of; the subscription."""
    found = offered(nova, name)
    assert tap(nova, name).state == "paid"
    nova.hear()
    nova.drain()
    return found


def renew(nova: Bot, *, told: bool = True) -> str:
    """A month passes, and Telegram takes the next one; its charge, "" where it takes none."""
    nova.world.pass_time(PERIOD.total_seconds())
    (first,) = nova.stars.bot.subscriptions
    return telegram_months.renew(nova.stars.world, nova.stars.bot, first, told=told)


def row_of(nova: Bot, subscription_id: UUID) -> Any:
    (row,) = nova.rows("SELECT * FROM subscriptions WHERE tenant_id = :tenant AND id = :id", id=subscription_id)
    return row


def texts(nova: Bot, name: str = "leo") -> list[str]:
    return nova.stars.world.texts(nova.stars.bot, name)


def press(nova: Bot, data: str, name: str = "leo") -> None:
    nova.stars.world.press(nova.stars.bot, name, data)
    nova.hear()
    nova.drain()


def say(nova: Bot, text: str, name: str = "leo") -> None:
    nova.world_says(name, text)
    nova.drain()


def months(nova: Bot) -> list[tuple[str, str, int, bool]]:
    return [one for one in nova.payments() if one[0] == "subscription"]


def test_a_fan_subscribes_by_a_link_and_sees_what_it_opens(nova: Bot) -> None:
    say(nova, "/subscription")
    press(nova, "subscribe")
    (link,) = nova.stars.bot.links.values()
    assert (link["amount"], link["period"]) == (MONTH, 2_592_000)
    shown = nova.stars.world.seen(nova.stars.bot, "leo")[-1]
    assert shown["text"] == "Le cercle\n\nUn pack nouveau chaque mois"
    assert shown["reply_markup"]["inline_keyboard"][0][0]["text"] == "S’abonner · 300 ⭐ / 30 jours"
    assert tap(nova).state == "paid"
    nova.hear()
    nova.drain()
    assert months(nova) == [("subscription", "matched", MONTH, False)]
    assert any(text.startswith("Abonnement commencé : Le cercle, 300 ⭐") for text in texts(nova))
    press(nova, "purchases")
    assert nova.pushed() == 1
    assert nova.held() == MONTH == -nova.held("creator_due") - nova.held("agency_due")
    assert (nova.even(), nova.notices()) == (True, {})


@pytest.mark.parametrize("by", ["update", "list", "both"])
def test_a_renewal_is_one_sale_whoever_tells_of_it(nova: Bot, by: str) -> None:
    found = begun(nova)
    nova.catch_up()
    before = row_of(nova, found).until
    assert renew(nova, told=by != "list")
    if by != "list":
        nova.hear()
        nova.drain()
    if by != "update":
        nova.catch_up()
    nova.hear()
    nova.catch_up()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "matched"]
    row = row_of(nova, found)
    assert row.state == "active"
    assert timedelta(days=29) < row.until - before < timedelta(days=31)
    assert (nova.held(), nova.held("sales"), nova.even()) == (2 * MONTH, -2 * MONTH, True)
    assert nova.rows("SELECT 1 FROM refunds WHERE tenant_id = :tenant") == []
    assert sum(text.startswith("Abonnement renouvelé") for text in texts(nova)) == 1
    assert nova.notices() == {}


ACTS = ("hear", "again", "read", "renew", "renew_lost", "back", "drain", "late")


@settings(
    max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate), suppress_health_check=list(HealthCheck)
)
@example(acts=["renew_lost", "read", "back", "renew", "again", "read", "hear", "again"])
@given(st.lists(st.sampled_from(ACTS), max_size=8))
def test_in_whatever_order_it_comes(database: Database, telegram: fake.Network, acts: list[str]) -> None:
    nova = bot(database, telegram)
    plan(nova)
    found = begun(nova)
    taken = 1
    for act in acts:
        if act in ("renew", "renew_lost") and taken < 3:
            taken += bool(renew(nova, told=act == "renew"))
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
        "SELECT max(m.until) AS until FROM subscription_months m LEFT JOIN refunds r ON r.tenant_id = m.tenant_id"
        " AND r.payment_id = m.payment_id WHERE m.tenant_id = :tenant AND r.id IS NULL"
    )
    assert row_of(nova, found).until == left[0].until
    assert nova.even()


def step(nova: Bot, act: str) -> None:
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


def mine(nova: Bot, update: Any) -> bool:
    """Whether an update tells of a charge of this bot's."""
    message = update.get("message", {})
    told = message.get("successful_payment") or message.get("refunded_payment") or {}
    return told.get("telegram_payment_charge_id") in {one["id"] for one in nova.stars.bot.transactions}


def ask(nova: Bot, subscription_id: UUID | None, **more: Any) -> str:
    """The answer to a checkout: "yes", or the end of the refusal's code."""
    payer = str(nova.stars.world.person("leo").id)
    values: dict[str, Any] = {"payer": payer, "money": Money(MONTH, "XTR"), "order_id": None, **more}
    with nova.scope() as scope:
        till = conversation.till(nova.world.channel())
        verdict = orders.can_pay(scope, CheckoutQuery(till, "q", subscription_id=subscription_id, **values))
    return "yes" if isinstance(verdict, orders.Yes) else verdict.reason.code.rsplit(".", 1)[-1]


def test_what_a_checkout_is_answered(nova: Bot) -> None:
    found = offered(nova)
    assert ask(nova, None) == "unknown"
    assert ask(nova, uuid7()) == "unknown"
    assert ask(nova, found, payer="1") == "not_yours"
    assert ask(nova, found, money=Money(MONTH - 1, "XTR")) == "changed"
    assert ask(nova, found) == "yes"
    assert ask(nova, found) == "running"
    nova.later(minutes=2)
    with nova.scope() as scope:
        viewers.suspect(scope, "telegram", str(nova.stars.world.person("leo").id))
    assert ask(nova, found) == "not_now"
    nova.later(hours=25)
    assert ask(nova, found) == "expired"


def test_who_has_it_does_not_pay_it_twice(nova: Bot) -> None:
    found = begun(nova)
    assert ask(nova, found) == "subscribed"
    nova.world.pass_time(timedelta(days=29).total_seconds())
    assert ask(nova, found) == "yes", "were the next month asked for like the first one, it would go through"


def test_a_stranger_cannot_pay_by_anothers_link_and_its_fan_hears_nothing(nova: Bot) -> None:
    offered(nova)
    before = texts(nova)
    checkout = tap(nova, "eve", of="leo")
    assert checkout.state == "refused"
    assert "quelqu’un d’autre" in checkout.words
    nova.drain()
    assert (texts(nova), nova.payments()) == (before, [])


@pytest.mark.parametrize("wrong", ["amount", "payer"])
def test_a_month_that_does_not_fit_waits_for_a_person(nova: Bot, wrong: str) -> None:
    found = begun(nova)
    payload = rail().monthly_payload(nova.world.tenant_id, found)
    who, amount = ("eve", MONTH) if wrong == "payer" else ("leo", MONTH - 1)
    nova.stars.charge(who, amount, payload, recurring=True)
    nova.hear()
    nova.drain()
    nova.catch_up()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "orphan"]
    assert nova.held("suspense") == -amount
    assert list(nova.notices()) == ["payment.unmatched"]
    assert nova.even()


def test_a_second_one_beside_it_is_given_back_and_stopped(nova: Bot) -> None:
    """Two links, two payments at once: the network lets both through."""
    found = begun(nova)
    world, star = nova.stars.world, nova.stars.bot
    (link,) = star.links.values()
    telegram_months.begun(world, star, Checkout("2", world.chat(star, "leo"), link, world.clock()))
    nova.hear()
    nova.drain()
    nova.catch_up()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "duplicate"]
    first, second = star.subscriptions.values()
    assert (first.cancelled, second.cancelled) == (False, True)
    assert (nova.held(), row_of(nova, found).state, nova.even()) == (MONTH, "active", True)
    assert sum("débité deux fois" in text for text in texts(nova)) == 1


def test_a_month_given_back_ends_it_and_no_other_is_taken(nova: Bot) -> None:
    found = begun(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    for _ in range(2):
        with nova.scope() as scope:
            orders.ask_refund(scope, payment.id, reason=Message("refund.by_member.asked"))
        nova.drain()
        nova.hear()
    nova.drain()
    nova.catch_up()
    assert row_of(nova, found).state == "ended"
    assert (nova.held(), nova.held("sales"), nova.held("refunds")) == (0, -MONTH, MONTH)
    assert renew(nova) == ""
    say(nova, "/purchases")
    assert (nova.pushed(), nova.even()) == (0, True)
    assert sum("remboursés" in text for text in texts(nova)) == 1


def test_an_earlier_month_given_back_leaves_the_one_that_runs(nova: Bot) -> None:
    found = begun(nova)
    renew(nova)
    nova.hear()
    nova.drain()
    until = row_of(nova, found).until
    (payment, _) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant ORDER BY id")
    with nova.scope() as scope:
        orders.ask_refund(scope, payment.id, reason=Message("refund.by_member.asked"))
    nova.drain()
    nova.hear()
    row = row_of(nova, found)
    assert (row.state, row.until) == ("active", until)
    assert (nova.held(), nova.held("refunds")) == (MONTH, MONTH)


@pytest.mark.parametrize("fault", ["", "reset_after", "status:500"])
def test_who_stops_keeps_what_is_paid_and_pays_no_more(nova: Bot, fault: str) -> None:
    found = begun(nova)
    if fault:
        nova.telegram.book.ask(fault, account=str(nova.stars.bot.id), on="subscriptions")
    say(nova, "/subscription")
    press(nova, "stop_renewal")
    nova.drain(hours=0.1)
    assert row_of(nova, found).state == "stopped"
    assert sum("n’est plus renouvelé" in text for text in texts(nova)) == 1
    press(nova, "stop_renewal")
    press(nova, "purchases")
    assert nova.pushed() == 1, "what is paid stays open"
    nova.drain(hours=24 * 28)
    assert sum("se termine le" in text for text in texts(nova)) == 1
    nova.drain(hours=24 * 4)
    assert row_of(nova, found).state == "ended"
    assert texts(nova)[-1] == "Votre abonnement Le cercle est terminé."
    assert renew(nova) == ""
    say(nova, "/purchases")
    assert nova.pushed() == 1
    assert [kind for _, kind, _, _ in months(nova)] == ["matched"]


def test_what_the_platform_does_not_stop_is_told_to_both(nova: Bot) -> None:
    found = begun(nova)
    nova.stars.bot.subscriptions.clear()
    with nova.scope() as scope:
        assert subscriptions.ask_stop(scope, found)
    nova.drain()
    assert row_of(nova, found).state == "active"
    assert "L’arrêt n’a pas abouti" in texts(nova)[-1]
    assert list(nova.notices()) == ["subscription.not_stopped"]


def test_a_month_that_does_not_come_is_waited_for_and_then_it_ends(nova: Bot) -> None:
    found = begun(nova)
    nova.world.pass_time(timedelta(days=31).total_seconds())
    nova.drain()
    assert row_of(nova, found).state == "active"
    say(nova, "/purchases")
    assert nova.pushed() == 0, "nothing is open that is not paid"
    nova.drain(hours=24 * 3)
    assert row_of(nova, found).state == "ended"
    (first,) = nova.stars.bot.subscriptions
    telegram_months.renew(nova.stars.world, nova.stars.bot, first)
    assert nova.stars.bot.subscriptions[first].cancelled, "it is stopped there as well"


def test_anothers_subscription_is_not_stopped_by_a_fan(nova: Bot) -> None:
    found = begun(nova)
    nova.world_says("eve", "bonjour")
    eve = nova.thread(str(nova.stars.world.person("eve").id))
    with nova.scope() as scope, pytest.raises(NotFound):
        subscriptions.ask_stop(scope, found, fan_id=eve.fan_id)


def test_a_month_of_a_closed_month_counts_today(nova: Bot) -> None:
    begun(nova)
    nova.catch_up()
    assert renew(nova, told=False)
    nova.world.pass_time(timedelta(days=40).total_seconds())
    with nova.scope() as scope:
        today = scope.now.date()
        for back in (1, 2):
            first = (today.replace(day=1) - timedelta(days=28 * back - 27)).replace(day=1)
            if first not in closing.closed_months(scope, nova.world.creator_id):
                closing.close(scope, nova.world.creator_id, first)
    nova.catch_up()
    (month,) = nova.rows(
        "SELECT p.at, m.until FROM payments p JOIN subscription_months m ON m.payment_id = p.id"
        " AND m.tenant_id = p.tenant_id WHERE p.tenant_id = :tenant AND p.recovered"
    )
    assert month.at.date() == today
    assert month.until.date() < today, "it was paid for then, not for now"
    assert (nova.held(), nova.even()) == (2 * MONTH, True)


def test_who_is_forgotten_is_charged_no_more_and_what_comes_all_the_same_is_shown(nova: Bot) -> None:
    found = begun(nova)
    thread = nova.thread(str(nova.stars.world.person("leo").id))
    person = str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        directory.erase(scope, thread.fan_id)
    nova.telegram.book.ask("status:400", account=str(nova.stars.bot.id), on="subscriptions")
    nova.drain()
    assert row_of(nova, found).state == "ended"
    assert nova.rows("SELECT 1 FROM outbox WHERE tenant_id = :tenant AND args::text LIKE :who", who=f"%{person}%") == []
    assert renew(nova), "the platform did not listen"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "orphan"]
    assert list(nova.notices()) == ["payment.unmatched"]
    assert renew(nova) == "", "and it was asked once more"


def test_another_tenant_finds_nothing_behind_the_words(nova: Bot, database: Database, telegram: fake.Network) -> None:
    found = offered(nova)
    payload = rail().monthly_payload(nova.world.tenant_id, found)
    other = bot(database, telegram)
    other.stars.charge("leo", MONTH, payload, recurring=True)
    other.hear()
    other.drain()
    assert [kind for _, kind, _, _ in other.payments()] == ["orphan"]
    assert ask(other, found) == "unknown"
    with other.scope() as scope, pytest.raises(NotFound):
        plans.find(scope, row_of(nova, found).plan_id)
    order_id = nova.ordered("mia")
    assert rail().monthly_payload(nova.world.tenant_id, order_id) != nova.payload(order_id)


def test_what_it_opens_is_not_offered_for_sale(nova: Bot) -> None:
    begun(nova)
    thread = nova.thread(str(nova.stars.world.person("leo").id))
    with nova.scope() as scope:
        talk = conversation.talks.locked(scope, thread.id)
        fan = directory.identity_on(scope, talk.fan_id, talk.channel_id)
        assert offers.closed_list(scope, fan, talk, channel=nova.world.channel(), rail=RAIL) == ()


def test_the_days_sums_count_a_month(nova: Bot) -> None:
    begun(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    rollups.roll_up_sale(SaleSeen(nova.world.tenant_id, payment.id), tenant=nova.world.tenant)
    (day,) = nova.rows("SELECT gross_minor, orders FROM sales_daily WHERE tenant_id = :tenant")
    assert (day.gross_minor, day.orders) == (MONTH, 1)


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
def test_a_plan_the_platform_would_not_take_is_not_made(nova: Bot, wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        plan(nova, **wrong)


def test_a_retired_plan_is_sold_to_nobody_and_goes_on_for_who_has_it(nova: Bot) -> None:
    found = begun(nova)
    waiting = offered(nova, "mia")
    with nova.scope() as scope:
        plans.retire(scope, row_of(nova, found).plan_id)
    assert ask(nova, waiting, payer=str(nova.stars.world.person("mia").id)) == "expired"
    renew(nova)
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "matched"]
    with nova.scope() as scope:
        (standing,) = plans.standings(scope, [nova.world.creator_id])
        assert scope.session.get(Subscription, (scope.tenant_id, found)) is not None
    assert (standing.active, standing.monthly, standing.state) == (1, Money(MONTH, "XTR"), "retired")
