"""State machine of payments: whatever the network, fans and crashes do, the ledger matches the rail
and no one loses money."""

from contextlib import suppress
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from channels.sending import account_actions
from foundation.db.database import Database
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.removal.events import TakedownOpened
from subscribers.checkout import order_payments
from subscribers.ledger import entries
from tests.channels.builders import CONNECTORS, Clockwork, Killed
from tests.fakes.sandbox import RunningSandbox
from tests.subscribers.builders import RAILS, Studio, create_nova

FAULTS = ("reset_after", "reset_before", "status:503", "status:503_after", "garbage", "status:429")


T = TypeVar("T")


def picked(several: list[T], which: int) -> list[T]:
    """Return one item, or none of an empty list; the draw is independent of the network."""
    return [several[which % len(several)]] if several else []


class MoneyMachine(RuleBasedStateMachine):
    """One studio with paying fans. `dying` crashes the process at its n-th point of an action."""

    def __init__(self, database: Database, network: RunningSandbox) -> None:
        super().__init__()
        self.studio: Studio = create_nova(database, network, pictures=1)
        self.fans: list[str] = []

    def alive(self, at: int | None, act: object, *arguments: object) -> None:
        """Act in a process that may crash."""
        self.studio.world.clockwork = Clockwork(at)
        with suppress(Killed):
            act(*arguments)  # type: ignore[operator]  # a function
        self.studio.world.clockwork = Clockwork()

    @rule(dying=st.none() | st.integers(0, 60))
    def invoice(self, dying: int | None) -> None:
        """Let a new fan write and press buy."""
        fan = f"fan{len(self.fans)}"
        self.fans.append(fan)
        self.studio.fan(fan, "message", text="bonjour")
        self.studio.listen()
        offer_id = self.studio.offer(fan)
        thread = self.studio.thread(fan)
        with self.studio.scope() as scope:
            order_payments.accept_offer(
                scope,
                order_payments.conversation_rows.lock_conversation(scope, thread.id),
                offer_id,
                RAILS["sandbox"],
            )
        self.alive(dying, self.studio.drain)

    def invoiced(self) -> list[str]:
        return [
            fan
            for fan in self.fans
            if any(message.get("invoice") for message in self.studio.seen(fan))
        ]

    @rule(
        which=st.integers(0, 9),
        times=st.integers(1, 2),
        fault=st.none() | st.sampled_from(FAULTS),
        dying=st.none() | st.integers(0, 80),
    )
    def pay(self, which: int, times: int, fault: str | None, dying: int | None) -> None:
        """Pay once, or twice at once with both accepted; the network may fail during delivery."""
        if not self.invoiced():
            self.invoice(None)
        for fan in picked(self.invoiced(), which):
            for _ in range(times):
                self.studio.fan(fan, "pay")
        self.alive(dying, self.studio.listen)
        if times > 1:
            self._let_through()
        self.alive(dying, self.studio.listen)
        if fault is not None:
            self.lose(fault, "messages")
            self.studio.world.network.fault(
                "lag", account=self.studio.world.account, on="lookups", lookup_lag=40
            )
        self.alive(dying, self.studio.drain)

    def _let_through(self) -> None:
        """Accept both checkouts, the race that `can_pay` cannot exclude."""
        channel, transport = self.studio.world.channel(), self.studio.world.transport()
        _, told = self.studio.world.network.api(
            "GET", self.studio.world.account, "updates?after=&wait=0"
        )
        for update in told["updates"]:
            if update["type"] == "checkout":
                # this connector accepts checkouts
                step = CONNECTORS["sandbox"].accept_checkout(update["query_id"])  # type: ignore[attr-defined]  # see above
                account_actions.send_control_step(channel, step, transport=transport)

    @rule()
    def replay(self) -> None:
        """Receive every earlier update again."""
        self.studio.heard = ""
        self.studio.listen()

    @rule(mode=st.sampled_from(FAULTS), on=st.sampled_from(["messages", "refunds", "files"]))
    def lose(self, mode: str, on: str) -> None:
        """Inject a network fault."""
        self.studio.world.network.fault(
            mode, account=self.studio.world.account, on=on, times=1, retry_after=2
        )

    def paid(self) -> list[UUID]:
        return [
            row.id
            for row in self.studio.rows(
                "SELECT id FROM payments WHERE tenant_id = :tenant ORDER BY id"
            )
        ]

    @rule(which=st.integers(0, 9), times=st.integers(1, 2), dying=st.none() | st.integers(0, 30))
    def refund(self, which: int, times: int, dying: int | None) -> None:
        """Refund a payment as a member, possibly twice."""
        for payment in picked(self.paid(), which) * times:
            with self.studio.scope() as scope:
                order_payments.request_order_refund(scope, payment, reason=Message("refund.done"))
        self.alive(dying, self.studio.drain)

    @rule(which=st.integers(0, 9), times=st.integers(1, 3), dying=st.none() | st.integers(0, 30))
    def recall(self, which: int, times: int, dying: int | None) -> None:
        """Recall one bought copy, reported once or more; others can still buy."""
        sent = self.studio.rows(
            "SELECT id FROM permits WHERE tenant_id = :tenant AND state = 'consumed' AND "
            "subject_kind = 'fulfilment'"
            " ORDER BY id"
        )
        for row in picked(sent, which):
            for _ in range(times):
                with self.studio.scope() as scope:
                    outbox.put(
                        scope, TakedownOpened(scope.tenant_id, row.id, self.studio.world.channel_id)
                    )
        self.alive(dying, self.studio.drain)

    @rule(hours=st.sampled_from([0.01, 0.6]))
    def wait(self, hours: float) -> None:
        """Advance the clock."""
        self.studio.drain(hours=hours)

    def teardown(self) -> None:
        """Let the network recover, run everything due, and check the ledger."""
        self.studio.world.network.clear()
        self.studio.world.clockwork = Clockwork()
        for _ in range(3):
            self.studio.listen()
            self.studio.drain(hours=1)
        self._books_balance()
        self._each_charge_ended_well()

    def _books_balance(self) -> None:
        studio = self.studio
        crooked = studio.rows(
            "SELECT transaction_id FROM ledger_entries WHERE tenant_id = :tenant"
            " GROUP BY transaction_id, currency HAVING sum(amount_minor) <> 0"
        )
        assert crooked == []
        truth = studio.world.network.api("GET", studio.world.account, "transactions?after=0")[1]
        with studio.scope() as scope:
            held = entries.account_balance(scope, f"rail:sandbox:{studio.world.account}").get(
                "XTS", 0
            )
            sold = -entries.account_balance(scope, "sales").get("XTS", 0) - entries.account_balance(
                scope, "refunds"
            ).get("XTS", 0)
            assert entries.account_balance(scope, "suspense").get("XTS", 0) == 0
            dues = [
                entries.account_balance(scope, name)
                for name in ("creator_due", "agency_due", "chatter_due")
            ]
        assert held == truth["balance"] == sold == -sum(due.get("XTS", 0) for due in dues)
        charges = {entry["charge_id"] for entry in truth["transactions"]}
        assert {
            row.charge_id
            for row in studio.rows("SELECT charge_id FROM payments WHERE tenant_id = :tenant")
        } == charges

    def _each_charge_ended_well(self) -> None:
        """Check that each charge was delivered, refunded or reported, and that no pack was
        delivered twice."""
        for row in self.studio.rows(
            "SELECT p.id, p.kind, f.state AS push, r.state AS refund FROM payments p"
            " LEFT JOIN fulfilments f ON f.tenant_id = p.tenant_id AND f.payment_id = p.id"
            " LEFT JOIN refunds r ON r.tenant_id = p.tenant_id AND r.payment_id = p.id WHERE "
            "p.tenant_id = :tenant"
        ):
            assert row.push == "delivered" or row.refund == "done" or self._seen(row.id), row
            assert row.kind != "duplicate" or row.refund == "done", row
        keys = [
            message["key"]
            for fan in self.fans
            for message in self.studio.seen(fan)
            if message["media"]
        ]
        assert len(keys) == len(set(keys))

    def _seen(self, payment: object) -> bool:
        return bool(
            self.studio.rows(
                "SELECT 1 FROM notices n JOIN fulfilments f ON f.tenant_id = n.tenant_id"
                " AND n.cause = 'fulfilment:' || f.id || ':late'"
                " WHERE n.tenant_id = :tenant AND f.payment_id = :payment",
                payment=payment,
            )
        )


QUICK = settings(
    max_examples=5,
    stateful_step_count=6,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(
        Phase.explicit,
        Phase.generate,
    ),  # no shrinking: a studio is no cheap example, and the failing one is printed
)


def test_payments_survive_random_events(database: Database, sandbox: RunningSandbox) -> None:
    run_state_machine_as_test(lambda: MoneyMachine(database, sandbox), settings=QUICK)


@pytest.mark.slow
def test_payments_survive_long_random_histories(
    database: Database, sandbox: RunningSandbox
) -> None:
    longer = settings(QUICK, max_examples=20, stateful_step_count=15)
    run_state_machine_as_test(lambda: MoneyMachine(database, sandbox), settings=longer)
