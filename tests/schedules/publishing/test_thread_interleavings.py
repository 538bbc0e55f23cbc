"""Random orders of faults, crashes, repeated messages and user actions on a thread: each part is
published at most once and in order."""

import os
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.sending import step_runner
from foundation.errors import BadInput, Conflict
from foundation.http.http_client import HttpResponse
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.outbox.outbox import RetryLater
from gate.consent.grants import revoke_consent
from gate.contract.units import Subject
from gate.policy import emergency_stops
from schedules.drafts import drafts
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import post_removal, settlement
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.thread_builders import add_depicted_photo, list_permits, list_reply_chain
from workers.wiring import Services

EXAMPLES = int(os.environ.get("GREENROOM_EXAMPLES", "12"))
BODIES = (
    "Good evening.",
    "The shop is open.",
    "Until nine today.",
    "See you there.",
    "Good night.",
)
AT_REST = {
    DeliveryState.PUBLISHED,
    DeliveryState.BROKEN_OFF,
    DeliveryState.HELD,
    DeliveryState.FAILED,
    DeliveryState.UNCERTAIN,
    DeliveryState.REMOVED,
    DeliveryState.CANCELLED,
}
FAULTS = (
    "reset_after",
    "reset_before",
    "accept_then_hang",
    "status:503",
    "status:503_after",
    "garbage",
    "refuse",
)

ACTS = st.one_of(
    st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
    st.tuples(st.just("blind"), st.integers(1, 3)),
    st.tuples(st.just("crash"), st.integers(0, 40)),
    st.tuples(st.just("part"), st.integers(1, 2)),
    st.tuples(st.just("live"), st.sampled_from((5, 40, 130))),
    st.tuples(st.just("again"), st.just(0)),
    st.tuples(st.just("not there"), st.just(0)),
    st.tuples(st.just("stop"), st.just(0)),
    st.tuples(st.just("revoke"), st.just(0)),
    st.tuples(st.just("remove"), st.just(0)),
)


def well(network: RunningSandbox) -> None:
    """Clear all faults, with a deadline that suits a busy machine."""
    assert isinstance(network.call("DELETE", "/control/faults", deadline=60.0), HttpResponse)


class Played:
    """A thread and the actions performed on it."""

    def __init__(self, lea: SandboxAgency, parts: int, who: int) -> None:
        self.lea = lea
        asset, self.person = add_depicted_photo(lea, 1)
        media = [(asset,) if place == who else () for place in range(parts)]
        rest = tuple(
            ThreadPart(body, pictures)
            for body, pictures in zip(BODIES[1:parts], media[1:], strict=False)
        )
        self.parts, self.again, self.stopped, self.revoked, self.removed = (
            parts,
            0,
            False,
            False,
            False,
        )
        self.delivery: UUID = lea.delivery(BODIES[0], media=media[0], parts=rest, late_ok=None)

    def do(self, act: str, what: Any) -> None:
        """Perform one action."""
        match act:
            case "fault":
                self.lea.fault(what, seconds=0.03)
            case "blind":
                self.lea.fault("status:503", on="lookups", times=what)
            case "crash":
                self.lea.crash(at=what)
            case "part":
                self._repeat(what)
            case "live":
                self.lea.live(seconds=what)
            case "again":
                self._try(drafts.retry_delivery)
            case "not there":
                self.again += self._try(settlement.resend_absent_delivery)
            case "stop":
                self._stop()
            case "revoke":
                self.lea.act(revoke_consent, self.person)
                self.revoked = True
            case "remove":
                self.removed |= self._try(post_removal.request_post_removal)

    def _repeat(self, times: int) -> None:
        """Handle the publish message of the delivery one or more times."""
        route = self.lea.routes.by_kind["delivery.publish"]
        for _ in range(times):
            try:
                route.handler(route.event(self.lea.tenant_id, self.delivery))
            except RetryLater:
                return

    def _try(self, act: Any) -> bool:
        try:
            self.lea.act(act, self.delivery)
        except (Conflict, BadInput):
            return False
        return True

    def _stop(self) -> None:
        target = str(self.lea.channels["main"])
        if self.stopped:
            self.lea.act(emergency_stops.reopen_switch, "channel", target, "sending", reason="test")
        else:
            self.lea.act(emergency_stops.close_switch, "channel", target, "sending", reason="test")
        self.stopped = not self.stopped

    def judge(self) -> None:
        """Check the posts that the network accepted."""
        taken = list_reply_chain(self.lea)
        texts = [text for text, _ in taken]
        if not self.again:
            assert texts == list(BODIES[: len(texts)]), "each part at most once, in order"
            above = ["", *BODIES]
            assert [under for _, under in taken] == above[: len(texts)], (
                "each part replies to the one before"
            )
        assert all(texts.count(body) <= 1 + self.again for body in BODIES)
        self._one_permit_each()

    def _one_permit_each(self) -> None:
        """Check that there are no more requests than recorded steps, and one permit for each step."""
        steps = [
            step
            for one in self.lea.attempts(self.delivery)
            for step in one.steps
            if step.kind == "publish"
        ]
        assert len(self.lea.asked()) <= len(steps)
        with self.lea.scope() as scope:
            used = scope.run(
                "SELECT count(*), count(DISTINCT id) FROM permits WHERE tenant_id = :tenant AND "
                "subject_id = :id"
                " AND step = 'publish'",
                tenant=self.lea.tenant_id,
                id=self.delivery,
            ).one()
        assert used[0] == used[1] == len(steps)

    def end(self) -> None:
        """Clear all faults, let time pass, and check the final state and its texts."""
        well(self.lea.network)
        if self.stopped:
            self._stop()
        self.lea.live(hours=26)
        self.judge()
        entry = self.lea.entry(self.delivery)
        told = (entry.state, self.lea.states(self.delivery))
        assert entry.state in AT_REST, told
        standing = list_reply_chain(self.lea, standing=True)
        if entry.state is DeliveryState.PUBLISHED and not self.revoked:
            assert self.parts <= len(standing) <= self.parts + self.again, (
                told
            )  # a member said that the part was absent
        if entry.state is DeliveryState.REMOVED and not self.again:
            assert standing == [], told
            assert all(
                one.removed_at is not None
                for one in list_permits(self.lea, self.delivery)
                if one.native_ids
            )
        if entry.state in (DeliveryState.HELD, DeliveryState.FAILED) and not self.again:
            assert standing == [], told
        if entry.state is DeliveryState.BROKEN_OFF and not self.again:
            assert len(standing) >= entry.done > 0, told
            assert entry.reason is not None
        for message in filter(None, (entry.reason, Message(f"state.delivery.{entry.state}"))):
            assert all(render_message(message, language) for language in LANGUAGES)


def test_thread_survives_any_order_of_faults(services: Services, sandbox: RunningSandbox) -> None:
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        parts=st.integers(2, 5), who=st.integers(0, 4), acts=st.lists(ACTS, min_size=2, max_size=9)
    )
    def play(parts: int, who: int, acts: list[tuple[str, Any]]) -> None:
        well(sandbox)
        played = Played(create_sandbox_agency(services, sandbox), parts, who % parts)
        for act, what in acts:
            played.do(act, what)
            played.judge()
        played.end()

    play()


def test_native_key_differs_for_each_part() -> None:
    about = Subject("delivery", UUID(int=7))
    keys = [step_runner.native_key_of(about, part) for part in range(5)]
    assert len(set(keys)) == 5
    assert keys[0] == step_runner.native_key_of(about)


def test_revocation_during_uncertain_part_removes_thread(
    services: Services, sandbox: RunningSandbox
) -> None:
    """The worker dies when the second part is prepared, and consent is revoked before any lookup."""
    well(sandbox)
    played = Played(create_sandbox_agency(services, sandbox), 2, 0)
    played.do("crash", 27)
    assert played.lea.entry(played.delivery).state is DeliveryState.PUBLISHING
    played.do("revoke", 0)
    played.end()
    assert played.lea.entry(played.delivery).state is DeliveryState.REMOVED
