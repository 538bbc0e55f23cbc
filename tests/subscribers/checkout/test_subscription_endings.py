"""The end of subscriptions: a cancelled one keeps its paid month; a refunded, ended or erased one
is charged no more."""

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
    made.later(minutes=1)  # the revenue split must precede the first sale
    yield made
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_refunded_month_ends_the_subscription_without_further_charges(nova: StarsBot) -> None:
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


def test_refund_of_an_earlier_month_keeps_the_current_one(nova: StarsBot) -> None:
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
def test_cancelled_subscription_keeps_its_paid_month(nova: StarsBot, fault: str) -> None:
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
    assert nova.pushed() == 1, "the paid month stays accessible"
    nova.drain(hours=24 * 28)
    assert sum("se termine le" in text for text in list_texts(nova)) == 1
    nova.drain(hours=24 * 4)
    assert get_subscription_row(nova, found).state == "ended"
    assert list_texts(nova)[-1] == "Votre abonnement Le cercle est terminé."
    assert renew_month(nova) == ""
    send_message(nova, "/purchases")
    assert nova.pushed() == 1
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched"]


def test_failed_cancellation_is_reported_to_fan_and_member(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.stars.bot.subscriptions.clear()
    with nova.scope() as scope:
        assert subscription_endings.request_renewal_stop(scope, found)
    nova.drain()
    assert get_subscription_row(nova, found).state == "active"
    assert "n’a pas pu être annulé" in list_texts(nova)[-1]
    assert list(nova.notices()) == ["subscription.not_stopped"]


def test_unpaid_renewal_ends_the_subscription_after_a_grace_period(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.world.pass_time(timedelta(days=31).total_seconds())
    nova.drain()
    assert get_subscription_row(nova, found).state == "active"
    send_message(nova, "/purchases")
    assert nova.pushed() == 0, "an unpaid month gives no access"
    nova.drain(hours=24 * 3)
    assert get_subscription_row(nova, found).state == "ended"
    (first,) = nova.stars.bot.subscriptions
    subscriptions.renew(nova.stars.world, nova.stars.bot, first)
    assert nova.stars.bot.subscriptions[first].cancelled, "it is cancelled on the platform too"


def test_fan_cannot_cancel_anothers_subscription(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.world_says("eve", "bonjour")
    eve = nova.thread(str(nova.stars.world.person("eve").id))
    with nova.scope() as scope, pytest.raises(NotFound):
        subscription_endings.request_renewal_stop(scope, found, fan_id=eve.fan_id)


def test_erased_fan_is_charged_no_more_and_later_charges_are_reported(
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
    assert renew_month(nova), "the platform did not cancel it"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "orphan"]
    assert list(nova.notices()) == ["payment.unmatched"]
    assert renew_month(nova) == "", "the cancellation was requested again"


def test_retired_plan_is_not_sold_but_renews_for_its_subscribers(nova: StarsBot) -> None:
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


def test_refunded_fan_may_subscribe_again(nova: StarsBot) -> None:
    """The pending cancellation of the first subscription does not cancel the second."""
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


def test_minor_is_charged_no_further_month(nova: StarsBot) -> None:
    found = add_subscription(nova)
    send_message(nova, "j'ai 15 ans")
    assert (
        get_subscription_row(nova, found).state,
        "réservée aux adultes" in list_texts(nova)[-1],
    ) == ("ended", True)
    assert renew_month(nova) == ""


def test_month_charged_to_a_minor_anyway_stays_unmatched(nova: StarsBot) -> None:
    found = add_subscription(nova)
    nova.telegram.book.schedule_fault(
        "status:400", account=str(nova.stars.bot.id), on="subscriptions"
    )
    send_message(nova, "j'ai 15 ans")
    before = list_texts(nova)
    assert renew_month(nova), "the platform did not cancel it"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in list_month_payments(nova)] == ["matched", "orphan"]
    assert (get_subscription_row(nova, found).state, list_texts(nova)) == ("ended", before)
    assert "payment.unmatched" in nova.notices()
    assert renew_month(nova) == "", "the cancellation was requested again"


def test_minor_found_elsewhere_is_charged_no_more(nova: StarsBot) -> None:
    """Another creator's chat or an age check provider informs the gate, and the block applies to
    the whole agency."""
    found, who = add_subscription(nova), str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", who)
    role_eligibility.update_reader_role(
        RoleCheckDue(nova.world.tenant_id, uuid7(), "telegram", who), tenant=nova.world.tenant
    )
    nova.drain()
    assert get_subscription_row(nova, found).state == "ended"
    assert renew_month(nova) == ""
