"""Who stops keeps what is paid and pays no more; what is given back, runs out or is forgotten is
taken no more."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from foundation.db.database import Database
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from gate.viewers import age_assurance
from subscribers.checkout import order_payments, subscription_endings
from subscribers.erasure import erase_fan
from subscribers.safety import role_eligibility
from subscribers.subscriptions import plans
from subscribers.subscriptions.events import RoleCheckDue
from subscribers.subscriptions.subscription_rows import Subscription
from tests.fakes.telegram import server as fake
from tests.fakes.telegram import subscriptions
from tests.subscribers.stars_builders import StarsBot, create_bot
from tests.subscribers.subscription_builders import (
    MONTH,
    add_plan,
    add_subscription,
    answer_checkout,
    get_subscription_row,
    list_month_payments,
    list_texts,
    offer_subscription,
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
    made.later(minutes=1)  # how sales are divided is said before the first of them
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_a_month_given_back_ends_it_and_no_other_is_taken(nova: StarsBot) -> None:
    found = add_subscription(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    for _ in range(2):
        with nova.scope() as scope:
            order_payments.request_order_refund(
                scope, payment.id, reason=Message("refund.by_member.asked")
            )
        nova.drain()
        nova.hear()
    nova.drain()
    nova.catch_up()
    assert get_subscription_row(nova, found).state == "ended"
    assert (nova.held(), nova.held("sales"), nova.held("refunds")) == (0, -MONTH, MONTH)
    assert renew_month(nova) == ""
    send_message(nova, "/purchases")
    assert (nova.pushed(), nova.even()) == (0, True)
    assert sum("Remboursé : " in text for text in list_texts(nova)) == 1


def test_an_earlier_month_given_back_leaves_the_one_that_runs(nova: StarsBot) -> None:
    found = add_subscription(nova)
    renew_month(nova)
    nova.hear()
    nova.drain()
    until = get_subscription_row(nova, found).until
    (payment, _) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant ORDER BY id")
    with nova.scope() as scope:
        order_payments.request_order_refund(
            scope, payment.id, reason=Message("refund.by_member.asked")
        )
    nova.drain()
    nova.hear()
    row = get_subscription_row(nova, found)
    assert (row.state, row.until) == ("active", until)
    assert (nova.held(), nova.held("refunds")) == (MONTH, MONTH)


@pytest.mark.parametrize("fault", ["", "reset_after", "status:500"])
def test_who_stops_keeps_what_is_paid_and_pays_no_more(nova: StarsBot, fault: str) -> None:
    found = add_subscription(nova)
    if fault:
        nova.telegram.book.schedule_fault(fault, account=str(nova.stars.bot.id), on="subscriptions")
    send_message(nova, "/subscription")
    press_button(nova, "stop_renewal")
    nova.drain(hours=0.1)
    assert get_subscription_row(nova, found).state == "stopped"
    assert sum("ne sera pas renouvelé" in text for text in list_texts(nova)) == 1
    press_button(nova, "stop_renewal")
    press_button(nova, "purchases")
    assert nova.pushed() == 1, "what is paid stays open"
    nova.drain(hours=24 * 28)
    assert sum("se termine le" in text for text in list_texts(nova)) == 1
    nova.drain(hours=24 * 4)
    assert get_subscription_row(nova, found).state == "ended"
    assert list_texts(nova)[-1] == "Votre abonnement Le cercle est terminé."
    assert renew_month(nova) == ""
    send_message(nova, "/purchases")
    assert nova.pushed() == 1
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched"]


def test_what_the_platform_does_not_stop_is_told_to_both(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.stars.bot.subscriptions.clear()
    with nova.scope() as scope:
        assert subscription_endings.request_renewal_stop(scope, found)
    nova.drain()
    assert get_subscription_row(nova, found).state == "active"
    assert "n’a pas pu être annulé" in list_texts(nova)[-1]
    assert list(nova.notices()) == ["subscription.not_stopped"]


def test_a_month_that_does_not_come_is_waited_for_and_then_it_ends(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.world.pass_time(timedelta(days=31).total_seconds())
    nova.drain()
    assert get_subscription_row(nova, found).state == "active"
    send_message(nova, "/purchases")
    assert nova.pushed() == 0, "nothing is open that is not paid"
    nova.drain(hours=24 * 3)
    assert get_subscription_row(nova, found).state == "ended"
    (first,) = nova.stars.bot.subscriptions
    subscriptions.renew(nova.stars.world, nova.stars.bot, first)
    assert nova.stars.bot.subscriptions[first].cancelled, "it is stopped there as well"


def test_anothers_subscription_is_not_stopped_by_a_fan(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.world_says("eve", "bonjour")
    eve = nova.thread(str(nova.stars.world.person("eve").id))
    with nova.scope() as scope, pytest.raises(NotFound):
        subscription_endings.request_renewal_stop(scope, found, fan_id=eve.fan_id)


def test_who_is_forgotten_is_charged_no_more_and_what_comes_all_the_same_is_shown(
    nova: StarsBot,
) -> None:
    found = add_subscription(nova)
    thread = nova.thread(str(nova.stars.world.person("leo").id))
    person = str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        erase_fan(scope, thread.fan_id)
    nova.telegram.book.schedule_fault(
        "status:400", account=str(nova.stars.bot.id), on="subscriptions"
    )
    nova.drain()
    assert get_subscription_row(nova, found).state == "ended"
    assert (
        nova.rows(
            "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND args::text LIKE :who",
            who=f"%{person}%",
        )
        == []
    )
    assert renew_month(nova), "the platform did not listen"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "orphan"]
    assert list(nova.notices()) == ["payment.unmatched"]
    assert renew_month(nova) == "", "and it was asked once more"


def test_a_retired_plan_is_sold_to_nobody_and_goes_on_for_who_has_it(nova: StarsBot) -> None:
    found = add_subscription(nova)
    waiting = offer_subscription(nova, "mia")
    with nova.scope() as scope:
        plans.retire_plan(scope, get_subscription_row(nova, found).plan_id)
    assert answer_checkout(nova, waiting, payer=str(nova.stars.world.person("mia").id)) == "expired"
    renew_month(nova)
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "matched"]
    with nova.scope() as scope:
        (standing,) = plans.list_plan_summaries(scope, [nova.world.creator_id])
        assert scope.session.get(Subscription, (scope.tenant_id, found)) is not None
    assert (standing.active, standing.monthly, standing.state) == (
        1,
        Money(MONTH, "XTR"),
        "retired",
    )


def test_who_was_given_back_may_begin_anew(nova: StarsBot) -> None:
    """What is still to be stopped of the first one does not stop the second."""
    found = add_subscription(nova)
    (payment,) = nova.rows("SELECT id FROM payments WHERE tenant_id = :tenant")
    (first,) = nova.stars.bot.subscriptions
    nova.stars.back(
        nova.rows("SELECT charge_id FROM payments WHERE tenant_id = :tenant")[0].charge_id,
        told=True,
    )
    nova.telegram.book.schedule_fault(
        "status:500", account=str(nova.stars.bot.id), on="subscriptions"
    )
    nova.hear()
    nova.drain(hours=0)
    assert get_subscription_row(nova, found).state == "ended"
    nova.later(minutes=5)
    assert add_subscription(nova) == found
    nova.drain(hours=1)
    stars = nova.stars.bot.subscriptions
    assert [one.cancelled for one in stars.values()] == [True, False]
    row = get_subscription_row(nova, found)
    assert (row.state, row.first_charge) == ("active", next(one for one in stars if one != first))
    assert nova.rows("SELECT 1 FROM payments WHERE tenant_id = :tenant AND id = :id", id=payment.id)
    assert (nova.held(), nova.even()) == (MONTH, True)


def test_of_a_minor_no_further_month_is_taken(nova: StarsBot) -> None:
    found = add_subscription(nova)
    send_message(nova, "j'ai 15 ans")
    assert (
        get_subscription_row(nova, found).state,
        "réservée aux adultes" in list_texts(nova)[-1],
    ) == ("ended", True)
    assert renew_month(nova) == ""


def test_a_month_that_a_minor_is_charged_all_the_same_is_nobodys_sale(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.telegram.book.schedule_fault(
        "status:400", account=str(nova.stars.bot.id), on="subscriptions"
    )
    send_message(nova, "j'ai 15 ans")
    before = list_texts(nova)
    assert renew_month(nova), "the platform did not listen"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "orphan"]
    assert (get_subscription_row(nova, found).state, list_texts(nova)) == ("ended", before)
    assert "payment.unmatched" in nova.notices()
    assert renew_month(nova) == "", "and it was asked once more"


def test_who_is_found_to_be_a_minor_elsewhere_pays_no_more_here(nova: StarsBot) -> None:
    """Another creator's chat, or a provider of checks, tells the safety check; it holds for the
    whole agency."""
    found, who = add_subscription(nova), str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", who)
    role_eligibility.update_reader_role(
        RoleCheckDue(nova.world.tenant_id, uuid7(), "telegram", who), tenant=nova.world.tenant
    )
    nova.drain()
    assert get_subscription_row(nova, found).state == "ended"
    assert renew_month(nova) == ""
