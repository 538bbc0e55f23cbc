"""Random orders of user actions, faults, crashes and repeated messages, checked against the record
of the platform."""

import os
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from channels.attempts.attempts import Subject
from channels.attempts.queries import list_attempts
from foundation.errors import BadInput, Conflict
from gate.policy import emergency_stops
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.posts import deliveries, dry_run_state
from schedules.posts.models import Delivery
from schedules.posts.states import DELIVERY_STATES, DeliveryState
from schedules.publishing import post_removal, settlement, uncertain_deliveries
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after
from workers.wiring import Services

EXAMPLES = int(os.environ.get("GREENROOM_EXAMPLES", "8"))
FAULTS = [
    "reset_after",
    "reset_before",
    "accept_then_hang",
    "status:503",
    "status:503_after",
    "garbage",
    "refuse",
]
CHANNELS = ["main", "keys"]
ACT = timedelta(seconds=60)
WAIT = 90
"""Seconds of Retry-After in a response of the platform."""

SECOND = timedelta(seconds=1)


@dataclass
class Known:
    """A delivery in the model."""

    text: str
    channel: str
    post_id: UUID
    approved: bool = False
    again: int = 0
    """The number of times a member resent the delivery as absent."""
    left_in_doubt: bool = False


class House(RuleBasedStateMachine):
    """A state machine of one tenant with two accounts. The model records only user actions."""

    services: Services
    network: RunningSandbox
    deliveries = Bundle("deliveries")

    @initialize()
    def begin(self) -> None:
        self.network.clear()
        self.lea: SandboxAgency = create_sandbox_agency(self.services, self.network)
        self.lea.connect("keys", keys=True)
        self.known: dict[UUID, Known] = {}
        self.stopped: set[str] = set()
        self.dry: set[str] = set()
        """Accounts in a dry run."""
        self.unheard: set[int] = set()
        """IDs of requests whose response was lost in a crash before it was stored."""
        self.seen: Counter[str] = Counter()
        self.asked = 0
        self.ahead = self.lea.now() - self.network.clock()

    # Users

    @rule(
        target=deliveries,
        channel=st.sampled_from(CHANNELS),
        after=st.sampled_from([0, 20, 400]),
        late=st.sampled_from([60, 1800, None]),
        approved=st.booleans(),
    )
    def plan(self, channel: str, after: int, late: int | None, approved: bool) -> UUID:
        text = f"post {len(self.known)}"
        late_ok = None if late is None else timedelta(seconds=late)
        post_id = self.lea.write(text, late_ok=late_ok)
        delivery_id = self.lea.wish(post_id, channel, after=after)
        self.known[delivery_id] = Known(text, channel, post_id)
        if approved:
            self.approve(delivery_id)
        return delivery_id

    @rule(delivery_id=deliveries)
    def approve(self, delivery_id: UUID) -> None:
        known = self.known[delivery_id]
        self.lea.approve(known.post_id)
        known.approved = True
        if self.lea.act(deliveries.has_approved_deliveries, known.post_id):
            self.lea.plan(known.post_id)

    @rule(delivery_id=deliveries, after=st.sampled_from([0, 30, 600]))
    def move(self, delivery_id: UUID, after: int) -> None:
        before = self.lea.state(delivery_id)
        try:
            self.lea.act(
                reschedule_delivery, delivery_id, at=wall_time_after(self.lea.now(), after)
            )
        except Conflict:
            assert before not in (
                DeliveryState.DRAFT,
                DeliveryState.APPROVED,
                DeliveryState.SCHEDULED,
                DeliveryState.HELD,
                DeliveryState.FAILED,
            )

    @rule(delivery_id=deliveries)
    def send_now(self, delivery_id: UUID) -> None:
        self._try(expedite_delivery, delivery_id)

    @rule(delivery_id=deliveries)
    def cancel(self, delivery_id: UUID) -> None:
        in_doubt = self.lea.state(delivery_id) is DeliveryState.UNCERTAIN
        if self._try(deliveries.cancel_delivery, delivery_id):
            assert not in_doubt

    @rule(delivery_id=deliveries)
    def leave_in_doubt(self, delivery_id: UUID) -> None:
        if self._try(
            partial(uncertain_deliveries.close_uncertain_delivery, member_id=self.lea.manager),
            delivery_id,
        ):
            self.known[delivery_id].left_in_doubt = True

    @rule(delivery_id=deliveries)
    def send_again(self, delivery_id: UUID) -> None:
        if self._try(settlement.resend_absent_delivery, delivery_id):
            self.known[delivery_id].again += 1

    @rule(delivery_id=deliveries)
    def remove(self, delivery_id: UUID) -> None:
        self._try(post_removal.request_post_removal, delivery_id)

    @rule(channel=st.sampled_from(CHANNELS))
    def stop(self, channel: str) -> None:
        target = str(self.lea.channels[channel])
        if channel in self.stopped:
            self.lea.act(emergency_stops.reopen_switch, "channel", target, "sending", reason="test")
        else:
            self.lea.act(emergency_stops.close_switch, "channel", target, "sending", reason="test")
        self.stopped ^= {channel}

    @rule(channel=st.sampled_from(CHANNELS))
    def rehearse(self, channel: str) -> None:
        if channel in self.dry:
            self.lea.act(dry_run_state.end_dry_run, self.lea.channels[channel])
        else:
            self.lea.act(dry_run_state.start_dry_run, "channel", self.lea.channels[channel])
        self.dry ^= {channel}

    def _try(self, act: Any, delivery_id: UUID) -> bool:
        try:
            self.lea.act(act, delivery_id)
        except (Conflict, BadInput):
            return False
        return True

    # Platform

    @rule(mode=st.sampled_from(FAULTS), channel=st.sampled_from(CHANNELS), times=st.integers(1, 2))
    def fault(self, mode: str, channel: str, times: int) -> None:
        self.lea.fault(mode, channel=channel, times=times, seconds=0.03)

    @rule(channel=st.sampled_from(CHANNELS))
    def blind(self, channel: str) -> None:
        self.lea.fault("status:503", channel=channel, on="lookups")

    @rule(channel=st.sampled_from(CHANNELS))
    def throttle(self, channel: str) -> None:
        self.lea.fault("status:429", channel=channel, retry_after=WAIT)

    @rule(seconds=st.sampled_from([1, 45, 130, 700]))
    def downtime(self, seconds: int) -> None:
        self.lea.pass_time(seconds=seconds)

    # System

    @rule()
    def run(self) -> None:
        self._watch(self.lea.run)

    @rule(minutes=st.sampled_from([1, 3]))
    def live(self, minutes: int) -> None:
        self._watch(lambda: self.lea.live(minutes=minutes))

    @rule(at=st.integers(0, 30))
    def crash(self, at: int) -> None:
        asked = {channel: len(self._record(channel)) for channel in CHANNELS}

        def die() -> None:
            if self.lea.crash(at):
                for channel in CHANNELS:
                    self._died(channel, self._record(channel)[asked[channel] :])

        self._watch(die)

    def _died(self, channel: str, asked: list[dict[str, Any]]) -> None:
        """Record the last 429 response as unheard if the process died before storing it in an
        attempt."""
        if not asked or asked[-1]["status"] != 429:
            return
        with self.lea.scope() as scope:
            ours = [one for one, known in self.known.items() if known.channel == channel]
            tried = [
                each for one in ours for each in list_attempts(scope, Subject("delivery", one))
            ]
        kept = sum(step.answered == "429" for each in tried for step in each.steps)
        told = {
            entry["id"] for entry in self._record(channel) if entry["status"] == 429
        } - self.unheard
        if len(told) > kept:
            self.unheard.add(asked[-1]["id"])

    @precondition(lambda self: bool(self.known))
    @rule(
        delivery_id=deliveries,
        kind=st.sampled_from(["delivery.publish", "delivery.reconcile", "delivery.sweep"]),
    )
    def repeat(self, delivery_id: UUID, kind: str) -> None:
        """Repeat a message of Redis, or run the sweep."""
        from foundation.outbox.outbox import RetryLater

        route = self.lea.routes.by_kind[kind]

        def deliver() -> None:
            try:
                route.handler(route.event(self.lea.tenant_id, delivery_id))
            except RetryLater:
                return

        self._watch(deliver)

    # Invariants

    def _watch(self, work: Any) -> None:
        """P3: check that the posts accepted during `work` are on time and approved, and that their
        account was not stopped."""
        before = {channel: len(self.lea.posts(channel)) for channel in CHANNELS}
        work()
        rows = {self.known[row.id].text: row for row in self._rows()}
        for channel in CHANNELS:
            taken = self.lea.posts(channel)[before[channel] :]
            assert not (taken and channel in self.stopped), "sent while stopped"
            assert not (taken and channel in self.dry), "sent in a dry run"
            for post in taken:
                self._on_time(post, rows[post["text"]])
        self._waits()

    def _on_time(self, post: dict[str, Any], row: Delivery) -> None:
        at = datetime.fromisoformat(post["created_at"]) + self.ahead
        assert self.known[row.id].approved, "sent unapproved"
        assert not row.dry_run, "sent despite its dry run"
        assert at >= row.due_at - SECOND, "sent early"
        assert row.late_until is None or at <= row.late_until + ACT, "sent late"

    def _waits(self) -> None:
        """P7: check that no request of any kind is sent during a rate limit."""
        for channel in CHANNELS:
            told: dict[str, datetime] = {}
            for entry in self._record(channel):
                at = datetime.fromisoformat(entry["at"])
                until = told.get(channel)
                assert until is None or at >= until - SECOND, (entry, until)
                if entry["status"] == 429 and entry["id"] not in self.unheard:
                    told[channel] = at + timedelta(seconds=WAIT)

    def _record(self, channel: str) -> list[dict[str, Any]]:
        account = self.lea.accounts[channel].replace("+", "%2B")
        found: list[dict[str, Any]] = self.network.json(
            "GET", f"/control/record?account={account}"
        )[1]["record"]
        return found

    def _rows(self) -> list[Delivery]:
        from sqlmodel import select

        with self.lea.scope() as scope:
            return list(
                scope.session.exec(select(Delivery).where(Delivery.tenant_id == self.lea.tenant_id))
            )

    @invariant()
    def never_twice(self) -> None:
        """P1, P5: check that each delivery has at most one post, and each recorded step at most one
        request."""
        if not hasattr(self, "known"):
            return
        counts = Counter(post["text"] for channel in CHANNELS for post in self.lea.posts(channel))
        for delivery_id, known in self.known.items():
            assert counts[known.text] <= 1 + known.again, known
            if counts[known.text]:
                armed = [
                    step
                    for one in self.lea.attempts(delivery_id)
                    for step in one.steps
                    if step.kind == "publish"
                ]
                assert counts[known.text] <= len(armed)

    @invariant()
    def along_the_graph(self) -> None:
        """P9: check that every transition is recorded and allowed by the state graph."""
        if not hasattr(self, "known"):
            return
        for row in self._rows():
            at = DeliveryState.DRAFT
            for step in self.lea.story(row.id):
                assert step.before is at, (step, at)
                assert DELIVERY_STATES.allows(step.before, step.after), step
                at = step.after
            assert at == row.state

    def teardown(self) -> None:
        """P2: check that at the end no delivery is publishing, and that every state matches the
        posts of the platform."""
        if not hasattr(self, "known"):
            return
        self.network.clear()
        for channel in sorted(self.stopped):
            self.stop(channel)
        for channel in sorted(self.dry):
            self.rehearse(channel)
        self.live(60)
        counts = Counter(post["text"] for channel in CHANNELS for post in self.lea.posts(channel))
        now = self.lea.now()
        for row in self._rows():
            known, there = self.known[row.id], counts[self.known[row.id].text]
            state, context = (
                DeliveryState(row.state),
                (known, [str(step.after) for step in self.lea.story(row.id)]),
            )
            assert state not in (
                DeliveryState.PUBLISHING,
                DeliveryState.REMOVING,
                DeliveryState.PROCESSING,
            ), context
            waiting = state in (
                DeliveryState.DRAFT,
                DeliveryState.APPROVED,
                DeliveryState.SCHEDULED,
            )
            assert not (waiting and row.due_at < now - timedelta(minutes=3)), context
            if state is DeliveryState.PUBLISHED:
                assert there >= 1, context
            elif state in (DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.REHEARSED) or (
                state is DeliveryState.CANCELLED and not known.left_in_doubt
            ):
                assert there == 0 or known.again, context


def test_any_order_of_actions_keeps_invariants(services: Services, sandbox: RunningSandbox) -> None:
    machine = type("Machine", (House,), {"services": services, "network": sandbox})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=14,
            deadline=None,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
