"""Number of required approvals, changes of the policy, and approvals that include the publishing
time."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from channels.creators import profiles
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ops.wall_time import to_wall_time
from schedules.approvals import approval_policy, decisions, release, review_queue
from schedules.approvals.time_changes import expedite_delivery, reschedule_delivery
from schedules.calendar import versioned_actions
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.rescheduling import held_posts
from schedules.rescheduling.held_posts import HeldPostAction
from tenants.agencies import queries as tenant_reads
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.rights import Role
from tests.schedules.approvals.test_client_links import answer, link, stands, waiting
from tests.schedules.approvals.test_review_comments import member
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after

HOUR = 3600


@pytest.fixture
def two(services: Any, sandbox: Any) -> SandboxAgency:
    return create_sandbox_agency(services, sandbox, tiers=2)


def rule(at: SandboxAgency, tiers: int, *, times: bool = False) -> int:
    waits: int = at.act(
        approval_policy.change_approval_policy, at.creator_id, tiers=tiers, times=times
    )
    return waits


def move(at: SandboxAgency, delivery_id: UUID, after: float) -> None:
    with at.scope(f"member:{at.author}") as scope:
        reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, after))


def both(at: SandboxAgency) -> tuple[UUID, UUID]:
    """Schedule a post with both approvals."""
    post_id, delivery_id = waiting(at)
    answer(at, link(at, post_id))
    assert at.state(delivery_id) is DeliveryState.SCHEDULED
    return post_id, delivery_id


def test_only_owner_changes_approval_policy(lea: SandboxAgency) -> None:
    for role in (Role.MANAGER, Role.CREATOR, Role.GUEST):
        with pytest.raises(Refused), lea.scope(f"member:{member(lea, role).id}") as scope:
            approval_policy.change_approval_policy(scope, lea.creator_id, tiers=0, times=False)
    for tiers in (-1, 3):
        with pytest.raises(BadInput):
            rule(lea, tiers)
    other = create_sandbox_agency(lea.services, lea.network)
    with pytest.raises(NotFound):
        lea.act(approval_policy.change_approval_policy, other.creator_id, tiers=0, times=False)
    rule(lea, 1, times=True)
    with lea.scope() as scope:
        found = tenant_reads.get_creator(scope, lea.creator_id)
    # one tier has no second approval
    assert (found.approval_tiers, found.approve_times) == (1, False)


def test_additional_tier_unschedules_delivery(lea: SandboxAgency) -> None:
    planned = lea.delivery(after=600)
    assert rule(lea, 2) == 1
    assert lea.state(planned) is DeliveryState.DRAFT
    lea.live(minutes=11)
    assert (lea.state(planned), lea.why(planned)) == (DeliveryState.HELD, "delivery.half_approved")
    assert lea.posts() == []


def test_removed_tier_schedules_only_approved_post(two: SandboxAgency) -> None:
    _, read = waiting(two)
    unread = two.wish(two.write("unread"), after=HOUR)
    assert rule(two, 1) == 0
    assert (two.state(read), two.state(unread)) == (DeliveryState.SCHEDULED, DeliveryState.DRAFT)
    rule(two, 0)
    assert two.state(unread) is DeliveryState.DRAFT


def test_rescheduling_needs_second_approval_if_policy_covers_time(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    post_id, delivery_id = both(two)
    move(two, delivery_id, 2 * HOUR)
    assert two.state(delivery_id) is DeliveryState.DRAFT
    with two.scope() as scope:
        row = deliveries.get_post(scope, post_id)
        assert decisions.has_tier_approval(
            scope, row, scope.now, tier=1
        )  # the first approval covers the text only
        assert not decisions.is_approved(scope, row, scope.now)
    again = link(two, post_id)
    answer(two, again)
    assert two.state(delivery_id) is DeliveryState.SCHEDULED
    two.live(hours=3)
    assert two.texts() == ["to be approved"]


def test_publish_now_is_refused_if_approval_covers_time(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    post_id, delivery_id = both(two)
    before = two.entry(delivery_id)
    for now in (drafts.publish_now, expedite_delivery):
        with pytest.raises(Conflict) as told:
            two.act(now, delivery_id)
        assert told.value.message.code == "delivery.hour_agreed"
    assert two.entry(delivery_id) == before, "the publishing time and the state are unchanged"
    with two.scope() as scope:
        assert decisions.is_approved(scope, deliveries.get_post(scope, post_id), scope.now)
    two.live(hours=2)
    assert two.texts() == ["to be approved"]


@pytest.mark.parametrize("minutes", [1, 25])
def test_retry_within_allowed_delay_keeps_approval_and_deadline(
    two: SandboxAgency, minutes: int
) -> None:
    rule(two, 2, times=True)
    _, delivery_id = both(two)
    two.fault("refuse", times=1)
    two.live(hours=1)
    assert two.state(delivery_id) is DeliveryState.FAILED
    agreed = two.entry(delivery_id)
    two.pass_time(minutes=minutes)
    two.act(drafts.retry_delivery, delivery_id)
    again = two.entry(delivery_id)
    assert (again.due_at, again.late_until) == (agreed.due_at, agreed.late_until), (
        "a retry does not extend the deadline"
    )
    two.run()
    assert two.state(delivery_id) is DeliveryState.PUBLISHED
    assert two.texts() == ["to be approved"]


def test_retry_after_allowed_delay_is_refused(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    _, delivery_id = both(two)
    two.fault("refuse", times=1)
    two.live(hours=1)
    two.pass_time(minutes=31)
    with pytest.raises(Conflict) as told:
        two.act(drafts.retry_delivery, delivery_id)
    assert told.value.message.code == "delivery.hour_agreed"
    two.run()
    assert (two.state(delivery_id), two.texts()) == (DeliveryState.FAILED, [])


def test_bulk_publish_skips_delivery_past_approved_time(two: SandboxAgency) -> None:
    """Of two failed deliveries, one is within its allowed delay; the other needs a second approval."""
    rule(two, 2, times=True)
    _, late = both(two)
    two.fault("refuse", times=1)
    two.live(hours=1)
    two.pass_time(minutes=40)
    _, near = both(two)
    two.fault("refuse", times=1)
    two.live(hours=1)
    assert [two.state(one) for one in (late, near)] == [DeliveryState.FAILED, DeliveryState.FAILED]
    shown = two.act(held_posts.preview_held_posts, two.creator_id, HeldPostAction.NOW)
    assert [(one.delivery_id, one.why.code) for one in shown.left] == [
        (late, "delivery.hour_agreed")
    ]
    two.act(
        held_posts.resolve_held_posts, two.creator_id, HeldPostAction.NOW, seen=shown.seen_versions
    )
    two.live(minutes=20)
    assert [two.state(one) for one in (late, near)] == [
        DeliveryState.FAILED,
        DeliveryState.PUBLISHED,
    ]


@pytest.mark.parametrize("act", [drafts.publish_now, drafts.retry_delivery])
def test_publishing_now_without_approval_is_refused(two: SandboxAgency, act: Any) -> None:
    _, delivery_id = waiting(two)
    two.live(hours=2)
    assert (two.state(delivery_id), two.why(delivery_id)) == (
        DeliveryState.HELD,
        "delivery.half_approved",
    )
    before = two.entry(delivery_id)
    with pytest.raises(Conflict) as told:
        two.act(act, delivery_id)
    assert told.value.message.code == "delivery.needs_yes"
    assert two.entry(delivery_id) == before


def test_rescheduled_hold_still_needs_approval(two: SandboxAgency) -> None:
    """A rescheduled delivery without approval appears in the review queue and does not count as
    scheduled."""
    post_id, delivery_id = waiting(two)
    two.live(hours=2)
    move(two, delivery_id, HOUR)
    assert (two.state(delivery_id), two.why(delivery_id)) == (
        DeliveryState.DRAFT,
        "delivery.half_approved",
    )
    with two.scope() as scope:
        assert [one.post_id for one in review_queue.list_review_queue(scope, [two.creator_id])] == [
            post_id
        ]
    answer(two, link(two, post_id))
    assert two.state(delivery_id) is DeliveryState.SCHEDULED
    two.live(hours=1, minutes=1)
    assert two.texts() == ["to be approved"]


def test_held_delivery_can_retry_after_policy_drops_approval(
    two: SandboxAgency,
) -> None:
    delivery_id = two.wish(two.write("nobody read it"), after=60)
    two.live(minutes=2)
    rule(two, 0)
    assert two.state(delivery_id) is DeliveryState.HELD
    two.act(drafts.retry_delivery, delivery_id)
    two.run()
    assert two.state(delivery_id) is DeliveryState.PUBLISHED


def test_rescheduling_cancelled_post_needs_second_approval(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    post_id, delivery_id = both(two)
    channels, due = [two.channels["main"]], two.entry(delivery_id).due_at
    two.act(deliveries.cancel_delivery, delivery_id)
    with two.scope() as scope:
        versioned_actions.schedule_post_on_channels(
            scope, post_id, channels=channels, at=to_wall_time(due, "UTC")
        )
        assert decisions.is_approved(scope, deliveries.get_post(scope, post_id), scope.now), (
            "the time is the approved one"
        )
        versioned_actions.cancel_post(scope, post_id)
    two.act(
        versioned_actions.schedule_post_on_channels,
        post_id,
        channels=channels,
        at=wall_time_after(two.now(), 2 * HOUR),
    )
    with two.scope() as scope:
        assert {row.state for row in deliveries.deliveries_of_post(scope, post_id)} == {
            DeliveryState.CANCELLED,
            DeliveryState.DRAFT,
        }
    answer(two, link(two, post_id))
    two.live(hours=3)
    assert two.texts() == ["to be approved"]


def test_rescheduling_invalidates_open_client_link(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    move(two, delivery_id, HOUR * 5)
    assert stands(two, link_id) == "moved"


def test_rescheduling_to_same_time_keeps_approval(two: SandboxAgency) -> None:
    rule(two, 2, times=True)
    _, delivery_id = both(two)
    seen = two.entry(delivery_id)
    with two.scope(f"member:{two.author}") as scope:
        after = (seen.due_at - scope.now) / timedelta(seconds=1)
        reschedule_delivery(scope, delivery_id, at=wall_time_after(scope.now, after))
    assert two.state(delivery_id) is DeliveryState.SCHEDULED


def test_rescheduling_keeps_approval_if_policy_ignores_time(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    move(two, delivery_id, 2 * HOUR)
    assert stands(two, link_id) == "open"
    answer(two, link_id)
    move(two, delivery_id, 3 * HOUR)
    assert two.state(delivery_id) is DeliveryState.SCHEDULED


def test_rescheduling_one_channel_holds_the_other_for_approval(two: SandboxAgency) -> None:
    """The approval covers the post with its times: when one of two channels moves, the other does
    not publish without another approval."""
    rule(two, 2, times=True)
    two.connect("second")
    post_id = two.write()
    first, second = two.wish(post_id, after=HOUR), two.wish(post_id, "second", after=HOUR)
    two.approve(post_id)
    answer(two, link(two, post_id))
    move(two, first, 5 * HOUR)
    two.live(hours=1, minutes=1)
    assert (two.state(second), two.why(second)) == (DeliveryState.HELD, "delivery.half_approved")
    answer(two, link(two, post_id))
    two.live(hours=5)
    assert [two.state(one) for one in (first, second)] == [
        DeliveryState.PUBLISHED,
        DeliveryState.PUBLISHED,
    ]


def _plan_unapproved(at: SandboxAgency, *, after: float) -> UUID:
    """Schedule a post of a creator whose posts need no approval."""
    post_id = at.write()
    delivery_id = at.wish(post_id, after=after)
    with at.scope(f"member:{at.author}") as scope:
        assert release.release_post(scope, post_id)
    return delivery_id


@pytest.mark.parametrize("actor", ["owner", "terminal"])
@pytest.mark.parametrize("before", ["G", "S", "N"])
def test_explicit_ceiling_holds_scheduled_posts_for_an_approval(
    services: Any, sandbox: Any, actor: str, before: str
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    by = f"member:{lea.manager}" if actor == "owner" else "system:terminal"
    with lea.scope(by) as scope:
        profiles.edit_creator(scope, lea.creator_id, CreatorChanges(rating_ceiling=before))
    planned, soon = (_plan_unapproved(lea, after=after) for after in (600, 30))
    lea.pass_time(seconds=31)  # This one is due before the event is handled.
    with lea.scope(by) as scope:
        profiles.edit_creator(scope, lea.creator_id, CreatorChanges(rating_ceiling="E"))
    lea.run()
    with lea.scope() as scope:
        assert tenant_reads.get_creator(scope, lea.creator_id).approval_tiers == 1
        waiting_posts = review_queue.list_review_queue(scope, [lea.creator_id])
    assert lea.state(planned) is DeliveryState.DRAFT
    assert lea.state(soon) in (DeliveryState.DRAFT, DeliveryState.HELD)
    assert len(waiting_posts) == 2
    lea.live(minutes=11)
    assert lea.posts() == []
    with lea.scope(f"member:{lea.manager}") as scope:
        post_id = waiting_posts[-1].post_id
        versioned_actions.approve_and_schedule(scope, post_id, member_id=lea.manager)
    lea.live(minutes=1)
    assert len(lea.posts()) == 1
