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
from tests.fakes import telegram as fake
from tests.fakes import telegram_months
from tests.subscribers.monthly import (
    MONTH,
    ask,
    begun,
    months,
    offered,
    plan,
    press,
    renew,
    row_of,
    say,
    texts,
)
from tests.subscribers.purses import Bot, bot


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
    telegram.book.clear_faults()
    assert not telegram.world.checks.broken, telegram.world.checks.broken


def test_a_month_given_back_ends_it_and_no_other_is_taken(nova: Bot) -> None:
    found = begun(nova)
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
        order_payments.request_order_refund(
            scope, payment.id, reason=Message("refund.by_member.asked")
        )
    nova.drain()
    nova.hear()
    row = row_of(nova, found)
    assert (row.state, row.until) == ("active", until)
    assert (nova.held(), nova.held("refunds")) == (MONTH, MONTH)


@pytest.mark.parametrize("fault", ["", "reset_after", "status:500"])
def test_who_stops_keeps_what_is_paid_and_pays_no_more(nova: Bot, fault: str) -> None:
    found = begun(nova)
    if fault:
        nova.telegram.book.schedule_fault(fault, account=str(nova.stars.bot.id), on="subscriptions")
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
        assert subscription_endings.request_renewal_stop(scope, found)
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
        subscription_endings.request_renewal_stop(scope, found, fan_id=eve.fan_id)


def test_who_is_forgotten_is_charged_no_more_and_what_comes_all_the_same_is_shown(
    nova: Bot,
) -> None:
    found = begun(nova)
    thread = nova.thread(str(nova.stars.world.person("leo").id))
    person = str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        erase_fan(scope, thread.fan_id)
    nova.telegram.book.schedule_fault(
        "status:400", account=str(nova.stars.bot.id), on="subscriptions"
    )
    nova.drain()
    assert row_of(nova, found).state == "ended"
    assert (
        nova.rows(
            "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND args::text LIKE :who",
            who=f"%{person}%",
        )
        == []
    )
    assert renew(nova), "the platform did not listen"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "orphan"]
    assert list(nova.notices()) == ["payment.unmatched"]
    assert renew(nova) == "", "and it was asked once more"


def test_a_retired_plan_is_sold_to_nobody_and_goes_on_for_who_has_it(nova: Bot) -> None:
    found = begun(nova)
    waiting = offered(nova, "mia")
    with nova.scope() as scope:
        plans.retire_plan(scope, row_of(nova, found).plan_id)
    assert ask(nova, waiting, payer=str(nova.stars.world.person("mia").id)) == "expired"
    renew(nova)
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "matched"]
    with nova.scope() as scope:
        (standing,) = plans.list_plan_summaries(scope, [nova.world.creator_id])
        assert scope.session.get(Subscription, (scope.tenant_id, found)) is not None
    assert (standing.active, standing.monthly, standing.state) == (
        1,
        Money(MONTH, "XTR"),
        "retired",
    )


def test_who_was_given_back_may_begin_anew(nova: Bot) -> None:
    """What is still to be stopped of the first one does not stop the second."""
    found = begun(nova)
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
    assert row_of(nova, found).state == "ended"
    nova.later(minutes=5)
    assert begun(nova) == found
    nova.drain(hours=1)
    stars = nova.stars.bot.subscriptions
    assert [one.cancelled for one in stars.values()] == [True, False]
    row = row_of(nova, found)
    assert (row.state, row.first_charge) == ("active", next(one for one in stars if one != first))
    assert nova.rows("SELECT 1 FROM payments WHERE tenant_id = :tenant AND id = :id", id=payment.id)
    assert (nova.held(), nova.even()) == (MONTH, True)


def test_of_a_minor_no_further_month_is_taken(nova: Bot) -> None:
    found = begun(nova)
    say(nova, "j'ai 15 ans")
    assert (row_of(nova, found).state, "réservée aux adultes" in texts(nova)[-1]) == ("ended", True)
    assert renew(nova) == ""


def test_a_month_that_a_minor_is_charged_all_the_same_is_nobodys_sale(nova: Bot) -> None:
    found = begun(nova)
    nova.telegram.book.schedule_fault(
        "status:400", account=str(nova.stars.bot.id), on="subscriptions"
    )
    say(nova, "j'ai 15 ans")
    before = texts(nova)
    assert renew(nova), "the platform did not listen"
    nova.hear()
    nova.drain()
    assert [kind for _, kind, _, _ in months(nova)] == ["matched", "orphan"]
    assert (row_of(nova, found).state, texts(nova)) == ("ended", before)
    assert "payment.unmatched" in nova.notices()
    assert renew(nova) == "", "and it was asked once more"


def test_who_is_found_to_be_a_minor_elsewhere_pays_no_more_here(nova: Bot) -> None:
    """Another creator's chat, or a provider of checks, tells the safety check; it holds for the
    whole agency."""
    found, who = begun(nova), str(nova.stars.world.person("leo").id)
    with nova.scope() as scope:
        age_assurance.block_viewer(scope, "telegram", who)
    role_eligibility.update_reader_role(
        RoleCheckDue(nova.world.tenant_id, uuid7(), "telegram", who), tenant=nova.world.tenant
    )
    nova.drain()
    assert row_of(nova, found).state == "ended"
    assert renew(nova) == ""
