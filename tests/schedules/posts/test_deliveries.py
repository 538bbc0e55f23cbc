"""Deliveries: creation, approval, scheduling, rescheduling and cancellation."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from schedules.approvals import decisions
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.posts import channel_overrides, deliveries, live_posts, queries, transitions
from schedules.posts.states import DeliveryState
from schedules.publishing import settlement
from tests.conftest import WAITS_FOR_US, wait_until
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wall_time_after


def test_post_is_created_once_per_origin_key(lea: SandboxAgency) -> None:
    first = lea.write("one", origin="csv", origin_key="row 1")
    assert lea.write("another text", origin="csv", origin_key="row 1") == first
    assert lea.write("two", origin="csv", origin_key="row 2") != first
    assert lea.wish(first, after=60) == lea.wish(first, after=900)


def test_account_of_another_creator_is_not_found(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        from tenants.agencies import agencies

        other = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
    with lea.scope() as scope:
        post_id = deliveries.create_post(
            scope,
            creator_id=other,
            title="",
            body="x",
            media=[],
            origin="t",
            origin_key="z",
            author="system:test",
        )
    with pytest.raises(NotFound):
        lea.wish(post_id)


def test_invalid_text_or_unknown_photo_is_refused(lea: SandboxAgency) -> None:
    with pytest.raises(BadInput):
        lea.write("x" * (channel_overrides.MAX_BODY_LENGTH + 1))
    with pytest.raises(BadInput):
        lea.write("a\x00b")
    with pytest.raises(NotFound):
        lea.write("hello", media=(uuid7(),))


def test_delivery_needs_approval_and_scheduling(lea: SandboxAgency) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=7200)
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    with pytest.raises(Conflict):
        lea.plan(post_id)
    lea.approve(post_id)
    assert lea.state(delivery_id) is DeliveryState.APPROVED
    assert lea.act(deliveries.has_approved_deliveries, post_id)
    assert lea.plan(post_id) == [delivery_id]
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    assert [row.kind for row in lea.rows()] == [
        "channel.connected",
        "delivery.preflight",
        "delivery.publish",
    ]


def test_concurrent_scheduling_happens_once(lea: SandboxAgency) -> None:
    """The delivery became due between the check and the scheduling: it is scheduled once, and
    neither caller sees an unexpected error."""
    post_id = lea.write()
    wish = lea.wish(post_id)
    lea.approve(post_id)
    with ThreadPoolExecutor(1) as pool:
        with lea.scope(f"member:{lea.author}") as scope:
            assert deliveries.has_approved_deliveries(scope, post_id)
            other = pool.submit(lea.plan, post_id)
            wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
            assert deliveries.schedule_post(scope, post_id) == [wish]
        with pytest.raises(Conflict):
            other.result(20)
    assert lea.state(wish) is DeliveryState.SCHEDULED


def test_unapproved_delivery_is_held_until_approved(
    lea: SandboxAgency,
) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=3600)
    lea.live(minutes=52)
    assert lea.notices() == {f"delivery:{delivery_id}:preflight": "delivery.unapproved"}
    lea.live(minutes=9)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.unapproved",
    )
    assert lea.notices() == {f"delivery:{delivery_id}": "delivery.unapproved"}
    assert lea.posts() == []
    lea.approve(post_id)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.notices() == {}


def test_approved_delivery_is_published_without_scheduling(lea: SandboxAgency) -> None:
    post_id = lea.write("as wished")
    delivery_id = lea.wish(post_id, after=600)
    lea.approve(post_id)
    lea.live(minutes=11)
    assert lea.states(delivery_id) == ["approved", "scheduled", "publishing", "published"]


def test_rescheduled_post_publishes_at_new_time_only(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    before = lea.entry(delivery_id)
    lea.act(
        reschedule_delivery,
        delivery_id,
        at=wall_time_after(lea.now(), 7200),
        version=before.version,
    )
    lea.live(minutes=60)
    assert lea.posts() == []
    lea.live(minutes=61)
    assert lea.texts() == ["hello"]
    with pytest.raises(Conflict):
        lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 60))


def test_reschedule_of_outdated_version_is_refused(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    seen = lea.entry(delivery_id).version
    lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 900), version=seen)
    with pytest.raises(Conflict):
        lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 1200), version=seen)


def test_time_before_allowed_delay_is_refused(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    with pytest.raises(BadInput):
        lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), -3600))
    lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), -60))
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_rescheduled_draft_stays_draft(lea: SandboxAgency) -> None:
    delivery_id = lea.wish(lea.write(), after=600)
    lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 9000))
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    assert lea.story(delivery_id) == []
    lea.live(minutes=30)
    assert lea.state(delivery_id) is DeliveryState.DRAFT


def test_cancelled_post_is_never_published(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    lea.act(deliveries.cancel_delivery, delivery_id)
    lea.live(minutes=10)
    assert lea.state(delivery_id) is DeliveryState.CANCELLED
    assert lea.posts() == []
    with pytest.raises(Conflict):
        lea.act(deliveries.cancel_delivery, delivery_id)
    with pytest.raises(Conflict):
        lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 60))


def test_expedite_uses_instant_of_ambiguous_hour(lea: SandboxAgency) -> None:
    """`expedite_delivery` uses the instant, not the wall time, which is ambiguous when clocks go
    back."""
    delivery_id = lea.delivery(after=7200)
    lea.act(expedite_delivery, delivery_id)
    with lea.scope() as scope:
        row = transitions.get_delivery(scope, delivery_id)
        assert abs(row.due_at - scope.now) < timedelta(seconds=5)
        assert row.wall_time == str(to_wall_time(row.due_at, row.zone))
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_delivery_in_publishing_state_cannot_be_changed(lea: SandboxAgency) -> None:
    """A delivery whose request may have been sent cannot be rescheduled, resent, linked or
    cancelled."""
    delivery_id = lea.delivery()
    lea.fault("hang", seconds=0.05)
    lea.crash(at=11)  # a point after the claim
    assert lea.state(delivery_id) is DeliveryState.PUBLISHING
    for forbidden in (
        lambda: lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 60)),
        lambda: lea.act(expedite_delivery, delivery_id),
        lambda: lea.act(deliveries.cancel_delivery, delivery_id),
        lambda: lea.act(settlement.resend_absent_delivery, delivery_id),
        lambda: lea.act(settlement.record_live_link, delivery_id, native_id="1", url=""),
    ):
        with pytest.raises(Conflict):
            forbidden()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHING


def test_only_uncertain_delivery_is_resent_or_linked(lea: SandboxAgency) -> None:
    """In any other state, the two actions for uncertain deliveries are refused."""
    planned, published, held = (
        lea.delivery(after=3600),
        lea.delivery("out"),
        lea.wish(lea.write("no yes")),
    )
    lea.run()
    lea.fault("refuse")
    refused, cancelled = lea.delivery("refused"), lea.delivery("cancelled", after=3600)
    lea.run()
    lea.act(deliveries.cancel_delivery, cancelled)
    states = [
        DeliveryState.SCHEDULED,
        DeliveryState.PUBLISHED,
        DeliveryState.HELD,
        DeliveryState.FAILED,
        DeliveryState.CANCELLED,
    ]
    for delivery_id, state in zip(
        (planned, published, held, refused, cancelled), states, strict=True
    ):
        assert lea.state(delivery_id) is state
        for press in (
            lambda it=delivery_id: lea.act(settlement.resend_absent_delivery, it),
            lambda it=delivery_id: lea.act(settlement.record_live_link, it, native_id="x", url=""),
        ):
            with pytest.raises(Conflict):
                press()
        assert lea.state(delivery_id) is state


def test_each_account_has_its_own_delivery(lea: SandboxAgency) -> None:
    lea.connect("second", keys=True)
    post_id = lea.write("to both", media=(lea.photo(),))
    first, second = lea.wish(post_id, "main"), lea.wish(post_id, "second", after=60)
    lea.approve(post_id)
    assert lea.plan(post_id) == [first, second]
    lea.live(minutes=2)
    assert lea.texts("main") == lea.texts("second") == ["to both"]
    assert lea.state(first) is lea.state(second) is DeliveryState.PUBLISHED


def test_deliveries_are_invisible_to_another_tenant(lea: SandboxAgency) -> None:
    other = create_sandbox_agency(lea.services, lea.network)
    delivery_id, unknown = lea.delivery(after=600), uuid7()
    told = []
    for asked in (delivery_id, unknown):
        for function in (
            transitions.get_delivery,
            deliveries.cancel_delivery,
            expedite_delivery,
            settlement.resend_absent_delivery,
        ):
            with pytest.raises(NotFound) as error:
                other.act(function, asked)
            told.append(str(error.value))
        with other.scope() as scope:
            assert live_posts.find_live_post(scope, asked) is None
            assert queries.delivery_timeline(scope, asked) == []
    assert len(set(told)) == 1
    assert _posts_of(other, lea.creator_id) == []


def _posts_of(asking: SandboxAgency, creator_id: UUID) -> list[queries.DeliveryEntry]:
    with asking.scope() as scope:
        return queries.entries_between(
            scope, creator_id, scope.now - timedelta(days=9), scope.now + timedelta(days=9)
        )


def test_dead_outbox_row_holds_delivery(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=60)
    with lea.scope() as scope:
        settlement.hold_failed(scope, delivery_id)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (DeliveryState.HELD, "delivery.bug")
    assert lea.notices() == {f"delivery:{delivery_id}": "delivery.bug"}


def test_post_without_approval_policy_is_published(lea: SandboxAgency) -> None:
    alone = create_sandbox_agency(lea.services, lea.network, tiers=0)
    post_id = alone.write()
    delivery_id = alone.wish(post_id)
    alone.act(decisions.release_without_approval, post_id)
    alone.plan(post_id)
    alone.run()
    assert alone.state(delivery_id) is DeliveryState.PUBLISHED


def test_delivery_more_than_two_years_ahead_is_refused(lea: SandboxAgency) -> None:
    day = 86400.0
    delivery_id = lea.delivery(after=730 * day)
    for act in (
        lambda: lea.wish(lea.write("too far"), after=732 * day),
        lambda: lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 732 * day)),
        lambda: lea.wish(lea.write("the end of time"), after=900_000 * day),
    ):
        with pytest.raises(BadInput) as told:
            act()
        assert told.value.message.code == "calendar.out_of_reach"
    lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 700 * day))
