"""From an offer to the ledger and back: each charge is delivered, refunded, or reported to a
member."""

from datetime import timedelta
from threading import Thread

import pytest

from channels.listening import listener
from connectors.contract.chats import ChatUpdate
from foundation.db.database import Database
from foundation.errors import Conflict
from foundation.ids import uuid7
from foundation.money import Money
from gate.contract.units import Rating
from gate.policy import emergency_stops
from gate.viewers import age_assurance
from subscribers.checkout import order_payments
from subscribers.conversations import queries
from subscribers.intake import update_intake
from subscribers.ledger import entries
from subscribers.orders import refunds
from subscribers.orders.states import FulfilmentState, OrderState
from subscribers.rails.contract import CheckoutQuery, till_of_channel
from tenants.notices import notices
from tests.channels.builders import CONNECTORS
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.sandbox import RunningSandbox
from tests.subscribers.builders import RAILS, Studio, build_model_reply, create_nova


def balance(studio: Studio, account: str) -> int:
    with studio.scope() as scope:
        return entries.account_balance(scope, account).get("XTS", 0)


def order_of(studio: Studio, order_id: object) -> queries.OrderStory:
    with studio.scope() as scope:
        return queries.order(scope, order_id)  # type: ignore[arg-type]  # an id


def rail(studio: Studio) -> str:
    return f"rail:sandbox:{studio.world.account}"


def test_fan_chats_buys_and_receives_the_pack(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    studio.writer.says = [build_model_reply("Regarde ce que j'ai pris ce matin", offer_id="o1")]
    studio.say("leo", "tu as des photos ?")
    shown = studio.seen("leo")[-1]
    assert shown["buttons"][0]["label"] == "Matin calme · 500 (test)"
    studio.fan("leo", "button", ref="buy")
    studio.go()
    invoice = studio.seen("leo")[-1]["invoice"]
    assert (invoice["amount"], invoice["currency"]) == (500, "XTS")
    assert len(invoice["payload"]) <= 64
    studio.fan("leo", "pay")
    studio.go()
    assert studio.texts("leo")[-2:] == [
        "Matin calme",
        "Paiement reçu : 500 (test). Merci ! Vous pouvez ouvrir votre pack dans cette conversation à tout moment.",
    ]
    assert len(studio.seen("leo")[-2]["media"]) == 2
    assert balance(studio, rail(studio)) == 500
    assert balance(studio, "creator_due") == -300
    assert balance(studio, "agency_due") == -180
    assert balance(studio, "chatter_due") == -20
    facts = studio.rows("SELECT spent, buys FROM fan_facts WHERE tenant_id = :tenant")
    assert (facts[0].spent, facts[0].buys) == ({"XTS": 500}, 1)


def test_bought_pack_can_be_requested_again_without_a_new_delivery(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    pay(studio, "leo", order_id, "ch1")
    for _ in range(2):
        studio.fan("leo", "button", ref="purchases")
        studio.go()
    assert sum(len(message["media"]) == 2 for message in studio.seen("leo")) == 3
    pushed = studio.rows("SELECT attempt FROM fulfilments WHERE tenant_id = :tenant")
    assert [row.attempt for row in pushed] == [1]


def pay(studio: Studio, fan: str, order_id: object, charge_id: str, **more: object) -> None:
    with studio.scope() as scope:
        # order_id is an ID
        order_payments.record_payment(scope, studio.charge(fan, order_id, charge_id, **more))  # type: ignore[arg-type]  # see above
    studio.drain()


def test_replayed_charge_is_recorded_once(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    for _ in range(3):
        pay(studio, "leo", order_id, "ch1")
    assert balance(studio, rail(studio)) == 500
    assert len(studio.rows("SELECT 1 FROM payments WHERE tenant_id = :tenant")) == 1
    assert order_of(studio, order_id).state is OrderState.FULFILLED


def test_second_charge_for_an_order_is_recorded_as_duplicate(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    order_id = studio.invoiced("leo")
    for _ in range(2):  # two windows of the same fan: the network accepts both payments
        studio.fan("leo", "pay")
    studio.listen()
    with studio.scope() as scope:  # the listener was slow and accepted the second checkout too
        scope.run(
            "UPDATE orders SET checkout_at = NULL WHERE tenant_id = :tenant", tenant=scope.tenant_id
        )
    studio.go()
    paid = studio.rows("SELECT kind FROM payments WHERE tenant_id = :tenant ORDER BY id")
    if len(paid) == 1:  # the network checked out both before the first was paid and refused one
        pay(studio, "leo", order_id, "ch-second")
    kinds = [
        row.kind
        for row in studio.rows("SELECT kind FROM payments WHERE tenant_id = :tenant ORDER BY id")
    ]
    assert kinds == ["matched", "duplicate"]
    assert balance(studio, "creator_due") == -300
    assert sum(len(message["media"]) == 2 for message in studio.seen("leo")) == 1


def test_duplicate_charge_is_reported_and_refunded_by_the_rail(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()
    studio.world.network.clock.advance(4)  # a delay, so that the network starts another checkout
    studio.fan("leo", "pay")  # a checkout that starts before the first payment is recorded
    checkout = next(u for u in updates(studio) if u.kind == "checkout")
    with studio.scope() as scope:
        scope.run(
            "UPDATE orders SET checkout_at = NULL WHERE tenant_id = :tenant", tenant=scope.tenant_id
        )
    assert studio.checkout(checkout)
    studio.go()
    truth = studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]
    assert [entry["direction"] for entry in truth["transactions"]] == ["in", "in", "out"]
    assert truth["balance"] == balance(studio, rail(studio)) == 500
    assert balance(studio, "suspense") == 0
    assert any("payé deux fois" in text for text in studio.texts("leo"))
    assert sum(len(message["media"]) == 2 for message in studio.seen("leo")) == 1
    assert order_of(studio, order_id).state is OrderState.FULFILLED


def updates(studio: Studio) -> list[ChatUpdate]:
    """Return the pending updates without receiving them."""
    channel = studio.world.channel()
    heard = listener.poll_updates(
        channel, studio.heard, transport=studio.world.transport(), connectors=CONNECTORS
    )  # type: ignore[arg-type]  # the sandbox chats
    return list(heard.updates)


def test_refund_reverses_the_sale(studio: Studio) -> None:
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.go()
    payment = studio.rows("SELECT id, order_id FROM payments WHERE tenant_id = :tenant")[0]
    for _ in range(2):
        with studio.scope() as scope:
            order_payments.request_order_refund(
                scope, payment.id, reason=update_intake.Message("refund.done")
            )
        studio.go()
    for account in (rail(studio), "creator_due", "agency_due", "chatter_due", "allocated"):
        assert balance(studio, account) == 0
    assert (balance(studio, "sales"), balance(studio, "refunds")) == (-500, 500)
    assert order_of(studio, payment.order_id).state is OrderState.REFUNDED
    with studio.scope() as scope:
        told = notices.open_message(scope, f"refund:{payment.id}")
        assert told is not None
        assert told.code == "refund.notice"
        assert [
            one.active for one in queries.list_owned_packs(scope, studio.thread("leo").fan_id)
        ] == [False]
    assert (
        studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]["balance"]
        == 0
    )
    assert sum("Remboursé : " in text for text in studio.texts("leo")) == 1


def test_refund_with_a_lost_response_is_retried_and_paid_once(studio: Studio) -> None:
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.go()
    payment = studio.rows("SELECT id FROM payments WHERE tenant_id = :tenant")[0]
    studio.world.network.fault("reset_after", account=studio.world.account, on="refunds", times=1)
    with studio.scope() as scope:
        order_payments.request_order_refund(
            scope, payment.id, reason=update_intake.Message("refund.done")
        )
    studio.go(hours=0.5)
    assert (
        studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]["balance"]
        == 0
    )
    assert balance(studio, rail(studio)) == 0


def test_unreachable_refund_is_retried_with_backoff_and_paid_once(
    studio: Studio,
) -> None:
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.go()
    payment = studio.rows("SELECT id FROM payments WHERE tenant_id = :tenant")[0]
    studio.world.network.fault("status:503", account=studio.world.account, on="refunds", times=1000)
    with studio.scope() as scope:
        order_payments.request_order_refund(
            scope, payment.id, reason=update_intake.Message("refund.done")
        )
    studio.go(hours=0.5)
    asked = studio.rows("SELECT tries FROM refunds WHERE tenant_id = :tenant")[0].tries
    assert 5 < asked < 100, asked
    studio.world.network.clear()
    studio.go(hours=0.1)
    assert (
        studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]["balance"]
        == 0
    )


def test_reported_refund_locks_the_conversation_before_the_refund(studio: Studio) -> None:
    """Our own refund takes its locks in the same order, so the two never wait for each other."""
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.go()
    (payment,) = studio.rows(
        "SELECT id, rail, account, charge_id FROM payments WHERE tenant_id = :tenant"
    )
    with studio.scope() as scope:
        order_payments.request_order_refund(
            scope, payment.id, reason=update_intake.Message("refund.done")
        )

    def told() -> None:
        with studio.scope() as scope:
            refunds.record_refund(
                scope, rail=payment.rail, account=payment.account, charge_id=payment.charge_id
            )

    teller = Thread(target=told)
    with studio.scope() as scope:
        update_intake.conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        teller.start()
        wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
        scope.run("SELECT 1 FROM refunds WHERE tenant_id = :t FOR UPDATE NOWAIT", t=scope.tenant_id)
    teller.join(60)
    assert [
        row.state for row in studio.rows("SELECT state FROM refunds WHERE tenant_id = :tenant")
    ] == ["done"]


def test_unmatched_payment_stays_in_suspense_with_a_notice(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    pay(studio, "leo", None, "stray")
    pay(studio, "leo", order_id, "less", money=Money(499, "XTS"))
    pay(studio, "eve", order_id, "stranger")
    kinds = {row.kind for row in studio.rows("SELECT kind FROM payments WHERE tenant_id = :tenant")}
    assert kinds == {"orphan"}
    assert balance(studio, "suspense") == -(500 + 499 + 500)
    assert (
        len(
            studio.rows(
                "SELECT 1 FROM notices WHERE tenant_id = :tenant AND cause LIKE 'payment:%'"
            )
        )
        == 3
    )
    assert order_of(studio, order_id).state is OrderState.INVOICED


def test_payment_is_not_assigned_to_a_pack_the_fan_owns(studio: Studio) -> None:
    """A member selects an older order of a pack bought since: the fan must not pay twice for it."""
    older = studio.invoiced("leo")
    studio.world.pass_time(timedelta(minutes=31).total_seconds())
    studio.drain()
    pay(studio, "leo", studio.invoiced("leo"), "bought")
    pay(studio, "leo", None, "stray")
    (stray,) = studio.rows("SELECT id FROM payments WHERE tenant_id = :tenant AND kind = 'orphan'")
    for act in (order_payments.request_payment_assignment, order_payments.assign_payment_to_order):
        with pytest.raises(Conflict) as told, studio.scope() as scope:
            act(scope, stray.id, older)
        assert told.value.message.code == "payment.owned"
    assert balance(studio, "suspense") == -500
    assert len(studio.rows("SELECT 1 FROM entitlements WHERE tenant_id = :tenant")) == 1


def test_late_payment_of_an_expired_order_is_delivered(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    studio.world.pass_time(timedelta(minutes=31).total_seconds())
    studio.drain()
    assert order_of(studio, order_id).state is OrderState.EXPIRED
    pay(studio, "leo", order_id, "late")
    assert order_of(studio, order_id).state is OrderState.FULFILLED


def ask(studio: Studio, order_id: object, **more: object) -> str:
    """Return the answer to a checkout: "yes", or the end of the refusal's code."""
    values = {"payer": "leo", "money": Money(500, "XTS"), "order_id": order_id, **more}
    till = till_of_channel(studio.world.channel())
    with studio.scope() as scope:
        # the keywords are fields of CheckoutQuery
        verdict = order_payments.answer_checkout_query(scope, CheckoutQuery(till, "q", **values))  # type: ignore[arg-type]  # see above
    return (
        "yes"
        if isinstance(verdict, order_payments.PaymentAllowed)
        else verdict.reason.code.rsplit(".", 1)[-1]
    )


def test_checkout_is_answered_by_the_state_of_its_order(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    assert ask(studio, None) == "unknown"
    assert ask(studio, uuid7()) == "unknown"
    assert ask(studio, order_id, payer="eve") == "not_yours"
    assert ask(studio, order_id, money=Money(499, "XTS")) == "changed"
    assert ask(studio, order_id) == "yes"
    assert ask(studio, order_id) == "running"
    studio.world.pass_time(61)
    with studio.scope() as scope:
        scope.run(
            "UPDATE conversations SET safety_hold = true WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
        )
    assert ask(studio, order_id) == "not_now"
    with studio.scope() as scope:
        scope.run(
            "UPDATE conversations SET safety_hold = false WHERE tenant_id = :tenant",
            tenant=scope.tenant_id,
        )
    pay(studio, "leo", order_id, "ch1")
    assert ask(studio, order_id) == "owned"


def test_payload_of_another_tenant_resolves_to_no_order(
    studio: Studio, database: Database, sandbox: RunningSandbox
) -> None:
    order_id = studio.invoiced("leo")
    payload = RAILS["sandbox"].payload(studio.world.tenant_id, order_id)
    other = create_nova(database, sandbox)
    query = RAILS["sandbox"].checkout(
        ChatUpdate(
            key="1",
            kind="checkout",
            fan="leo",
            ref="q",
            payload=payload,
            amount_minor=500,
            currency="XTS",
        ),
        till_of_channel(other.world.channel()),
    )
    assert query.order_id is None
    assert ask(other, order_id) == "unknown"


def test_adult_pack_is_sold_only_to_verified_adults(
    database: Database, sandbox: RunningSandbox
) -> None:
    studio = create_nova(database, sandbox, rating=Rating.N)
    order_id = studio.invoiced("leo")
    assert ask(studio, order_id) == "age"
    studio.fan("leo", "age")
    studio.go()
    with studio.scope() as scope:
        assert age_assurance.get_assurance(scope, "sandbox", "leo").over_18
    assert ask(studio, order_id) == "not_now"  # these bytes have no review


def test_suspected_minor_cannot_pay(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    with studio.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "leo")
    assert ask(studio, order_id) == "not_now"


def test_refused_invoice_is_explained_to_the_fan(studio: Studio) -> None:
    studio.say("leo", "bonjour")
    offer_id = studio.offer("leo")
    thread = studio.thread("leo")
    with studio.scope() as scope:
        order = order_payments.accept_offer(
            scope,
            update_intake.conversation_rows.lock_conversation(scope, thread.id),
            offer_id,
            RAILS["sandbox"],
        )
    assert order is not None
    with studio.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "leo")
    studio.drain()
    assert order_of(studio, order.id).state is OrderState.REFUSED
    assert "n’est pas possible" in studio.texts("leo")[-1]


def test_refused_pack_delivery_is_refunded(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()  # the checkout is accepted
    with studio.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "leo")
    studio.go()
    assert studio.rows("SELECT 1 FROM fulfilments WHERE tenant_id = :tenant AND state = 'refused'")
    assert order_of(studio, order_id).state is OrderState.REFUNDED
    assert balance(studio, rail(studio)) == 0
    assert not any(message["media"] for message in studio.seen("leo"))


def test_refund_notice_during_a_stop_names_the_lasting_reason(studio: Studio) -> None:
    """The notice once said that delivery resumes when the stop ends, for a pack that was already
    refunded."""
    studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()
    with studio.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "sandbox", "leo")
        emergency_stops.close_switch(
            scope, "tenant", "", "sending", reason="somebody is in the account"
        )
    studio.go()
    refused = studio.rows(
        "SELECT message FROM notices WHERE tenant_id = :tenant AND starts_with(cause, 'fulfilment')"
    )
    assert [row.message["code"] for row in refused] == ["gate.VIEWER_BLOCKED"]


@pytest.mark.parametrize("fault", ["reset_after", "accept_then_hang"])
def test_delivery_with_a_lost_response_is_looked_up_not_repeated(
    studio: Studio, fault: str
) -> None:
    order_id = studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()
    studio.listen()
    studio.world.network.fault(
        fault, account=studio.world.account, on="messages", times=1, seconds=1
    )
    studio.drain(hours=0.2)
    assert order_of(studio, order_id).push is FulfilmentState.DELIVERED
    assert sum(len(message["media"]) == 2 for message in studio.seen("leo")) == 1


def test_single_empty_lookup_is_no_proof_of_absence(studio: Studio) -> None:
    order_id = studio.invoiced("leo")
    studio.fan("leo", "pay")
    studio.listen()
    studio.listen()
    account = studio.world.account
    studio.world.network.fault("reset_after", account=account, on="messages", times=1)
    studio.world.network.fault("lag", account=account, on="lookups", lookup_lag=40)
    studio.drain(hours=0.5)
    assert order_of(studio, order_id).push is FulfilmentState.DELIVERED
    assert sum(len(message["media"]) == 2 for message in studio.seen("leo")) == 1


def test_fan_cannot_hold_two_open_invoices_for_one_pack(studio: Studio) -> None:
    studio.invoiced("leo")
    offer_id = studio.offer("leo")
    with studio.scope() as scope:
        talk = update_intake.conversation_rows.lock_conversation(scope, studio.thread("leo").id)
        assert order_payments.accept_offer(scope, talk, offer_id, RAILS["sandbox"]) is None
