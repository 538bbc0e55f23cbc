"""A channel added to an approved post needs another approval, whatever function added it."""

from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.errors import Conflict
from schedules.approvals import decisions, review_queue
from schedules.approvals.release import approver_names, needs_no_approval, release_post
from schedules.approvals.time_changes import expedite_delivery
from schedules.calendar import listings, versioned_actions
from schedules.drafts import drafts
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from schedules.recurrence import evergreen_pools
from schedules.rescheduling import account_failover, queue
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after
from tests.schedules.recurrence.test_evergreen_pools import (
    SIMILARITY_WINDOW,
    every_day,
    planned,
    published,
    settled,
)
from workers.wiring import Services


def add(lea: SandboxAgency, post_id: UUID, channel: str, *, after: float = 1200) -> UUID:
    """Schedule the post on one more channel, as an API client does, and return the delivery ID."""
    at = wall_time_after(lea.now(), after)
    with lea.scope(f"member:{lea.author}") as scope:
        versioned_actions.schedule_post_on_channels(
            scope, post_id, channels=[lea.channels[channel]], at=at
        )
        return next(
            one.id
            for one in deliveries_of_post(scope, post_id)
            if one.channel_id == lea.channels[channel]
        )


def test_added_channel_publishes_only_after_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    first = lea.delivery("said yes to", after=600)
    post_id = lea.entry(first).post_id
    late = add(lea, post_id, "second")
    assert (lea.state(first), lea.state(late)) == (DeliveryState.SCHEDULED, DeliveryState.DRAFT)
    lea.act(release_post, post_id)  # a member presses Schedule
    assert lea.state(late) is DeliveryState.DRAFT
    lea.live(hours=1)
    assert (lea.texts("main"), lea.texts("second")) == (["said yes to"], [])
    assert (lea.state(late), lea.why(late)) == (DeliveryState.HELD, "delivery.unapproved")
    lea.act(expedite_delivery, late)
    lea.run()
    assert lea.texts("second") == []
    lea.approve(post_id)
    lea.run()
    assert lea.texts("second") == ["said yes to"]
    assert lea.texts("main") == ["said yes to"]


def test_removed_channel_can_be_scheduled_again(
    services: Services, sandbox: RunningSandbox
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=0)
    lea.connect("second")
    post_id = lea.write("both")
    one, two = lea.wish(post_id, "main", after=600), lea.wish(post_id, "second", after=600)
    lea.act(release_post, post_id)
    lea.act(drafts.remove_channel_from_post, two)
    for after in (1200, 1800):  # the second call reschedules the delivery that exists by then
        lea.act(
            versioned_actions.schedule_post_on_channels,
            post_id,
            channels=[lea.channels["second"]],
            at=wall_time_after(lea.now(), after),
        )
    with lea.scope() as scope:
        rows = deliveries_of_post(scope, post_id)
    assert sorted((row.occurrence_key, row.state) for row in rows) == [
        ("", DeliveryState.CANCELLED),
        ("", DeliveryState.SCHEDULED),
        ("again-1", DeliveryState.SCHEDULED),
    ]
    lea.act(
        versioned_actions.schedule_post_on_channels,
        post_id,
        channels=[],
        at=wall_time_after(lea.now(), 900),
    )
    lea.live(hours=1)
    assert (lea.texts("main"), lea.texts("second")) == (["both"], ["both"])
    assert lea.state(one) is DeliveryState.PUBLISHED
    with pytest.raises(Conflict):
        lea.act(
            versioned_actions.schedule_post_on_channels,
            post_id,
            channels=[lea.channels["second"]],
            at=wall_time_after(lea.now(), 900),
        )


def test_rescheduling_moves_delivery_that_returned_from_failover(lea: SandboxAgency) -> None:
    lost, other = lea.channels["main"], lea.connect("spare")
    post_id = lea.entry(lea.delivery("hello", after=600)).post_id
    for pair in ((lost, other), (other, lost)):
        lea.act(
            account_failover.move_to_spare_account,
            *pair,
            seen=lea.act(account_failover.preview_failover, *pair).seen_versions,
        )
    lea.act(
        versioned_actions.schedule_post_on_channels,
        post_id,
        channels=[],
        at=wall_time_after(lea.now(), 7200),
    )
    with lea.scope() as scope:
        (row,) = (
            one
            for one in deliveries_of_post(scope, post_id)
            if one.state != DeliveryState.CANCELLED
        )
    assert (row.channel_id, row.due_at > lea.now() + timedelta(hours=1)) == (lost, True)


def test_added_channel_has_same_eligible_approvers(lea: SandboxAgency) -> None:
    lea.connect("second")
    post_id = lea.entry(lea.delivery("hello", after=600)).post_id
    late = add(lea, post_id, "second")
    with lea.scope() as scope:
        (asked,) = review_queue.list_review_queue(scope, [lea.creator_id])
        assert [wish.delivery_id for wish in asked.wishes] == [late]
        assert asked.words == ()
        assert approver_names(scope, post_id) == ("Marc",)
        assert not needs_no_approval(scope, post_id)
        assert not listings.get_post_detail(scope, [lea.creator_id], post_id).approved
    lea.approve(post_id)
    lea.act(release_post, post_id)
    assert lea.state(late) is DeliveryState.SCHEDULED
    with lea.scope() as scope:
        assert review_queue.list_review_queue(scope, [lea.creator_id]) == []
        assert listings.get_post_detail(scope, [lea.creator_id], post_id).approved


def test_rescheduling_same_channel_needs_no_new_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    first = lea.delivery("hello", after=600)
    post_id = lea.entry(first).post_id
    assert add(lea, post_id, "main", after=900) == first
    assert lea.state(first) is DeliveryState.SCHEDULED
    waits = lea.write("nobody said anything")
    lea.wish(waits, after=600)
    late = add(lea, waits, "second")
    lea.approve(waits)
    assert lea.state(late) is DeliveryState.APPROVED


def test_added_channel_is_scheduled_without_approval_policy(
    services: Services, sandbox: RunningSandbox
) -> None:
    free = create_sandbox_agency(services, sandbox, tiers=0)
    free.connect("second")
    post_id = free.entry(free.delivery("hello", after=600)).post_id
    late = add(free, post_id, "second")
    assert free.state(late) is DeliveryState.SCHEDULED


def test_dropped_approval_requirement_releases_added_channel(lea: SandboxAgency) -> None:
    """The policy required an approval when the channel was added and requires none now."""
    lea.connect("second")
    post_id = lea.entry(lea.delivery("hello", after=600)).post_id
    late = add(lea, post_id, "second")
    with lea.scope() as scope:
        scope.run("UPDATE creators SET approval_tiers = 0 WHERE tenant_id = :t", t=lea.tenant_id)
    lea.act(release_post, post_id)
    assert lea.state(late) is DeliveryState.SCHEDULED


def test_added_channel_needs_both_approval_tiers(
    services: Services, sandbox: RunningSandbox
) -> None:
    at = create_sandbox_agency(services, sandbox, tiers=2)
    at.connect("second")
    post_id = at.write()
    first = at.wish(post_id, after=600)
    with at.scope() as scope:
        third = agencies.add_member(
            scope, name="Zoé", email="z@example.test", role=Role.MANAGER, language="fr", zone="UTC"
        )

    def say(who: UUID, tier: int) -> None:
        with at.scope(f"member:{who}") as scope:
            decisions.approve_post(scope, post_id, member_id=who, tier=tier)
            release_post(scope, post_id)

    say(at.manager, 1)
    say(third, 2)
    late = add(at, post_id, "second")
    assert (at.state(first), at.state(late)) == (DeliveryState.SCHEDULED, DeliveryState.DRAFT)
    say(at.manager, 1)
    assert at.state(late) is DeliveryState.DRAFT
    say(third, 2)
    assert at.state(late) is DeliveryState.SCHEDULED


def test_evergreen_repost_on_new_channel_needs_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    every_day(lea)
    every_day(lea, "second")
    pool_id = settled(lea, "main", "second", min_age=SIMILARITY_WINDOW)
    posts = published(lea, "un", "deux")
    lea.act(evergreen_pools.pause_pool, pool_id)
    lea.pass_time(days=40)
    for one in posts:
        lea.act(evergreen_pools.add_post_to_pool, one)
    lea.act(evergreen_pools.resume_pool, pool_id)
    lea.run()
    with lea.scope() as scope:
        states = {
            (row.channel_id, row.state) for one in posts for row in deliveries_of_post(scope, one)
        }
    assert (lea.channels["main"], "scheduled") in states
    assert (lea.channels["second"], "draft") in states
    assert (lea.channels["second"], "scheduled") not in states
    for one in posts:
        lea.approve(one)
        lea.act(release_post, one)
    assert {state for _, state, _ in planned(lea)} == {DeliveryState.SCHEDULED}


def test_queued_post_on_new_channel_needs_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    every_day(lea, "second")
    post_id = lea.entry(lea.delivery("hello", after=600)).post_id
    lea.act(queue.add_post_to_queue, post_id, lea.channels["second"])
    lea.act(release_post, post_id)
    with lea.scope() as scope:
        assert [row.state for row in deliveries_of_post(scope, post_id)] == ["scheduled", "draft"]


def test_failover_to_another_platform_needs_approval(lea: SandboxAgency) -> None:
    """Scheduling the moved post published it: the approval of the first channel counted for the
    second."""
    with lea.scope() as scope:
        lea.channels["spare"] = lifecycle.connect_account(
            scope,
            creator_id=lea.creator_id,
            platform="telegram",
            surface="telegram.channel",
            account=f"@spare-{lea.tenant_id}",
            name="spare",
            base_url="http://127.0.0.1:9",
            token=lea.services.seal(lea.tenant_id, "t"),
            zone="UTC",
        )
    post_id = lea.entry(lea.delivery("asked again", after=3600)).post_id
    shown = lea.act(account_failover.preview_failover, lea.channels["main"], lea.channels["spare"])
    lea.act(
        account_failover.move_to_spare_account,
        lea.channels["main"],
        lea.channels["spare"],
        seen=shown.seen_versions,
    )
    lea.act(release_post, post_id)
    with lea.scope() as scope:
        (moved,) = [
            row
            for row in deliveries_of_post(scope, post_id)
            if row.state != DeliveryState.CANCELLED
        ]
    assert lea.state(moved.id) is DeliveryState.DRAFT
    lea.approve(post_id)
    assert lea.state(moved.id) is DeliveryState.APPROVED


def test_withdrawn_approval_also_unschedules_added_channel(lea: SandboxAgency) -> None:
    lea.connect("second")
    first = lea.delivery("hello", after=600)
    post_id = lea.entry(first).post_id
    late = add(lea, post_id, "second")
    lea.approve(post_id)
    lea.act(release_post, post_id)
    with lea.scope(f"member:{lea.manager}") as scope:
        decisions.withdraw_verdict(scope, post_id, member_id=lea.manager)
    assert (lea.state(first), lea.state(late)) == (DeliveryState.DRAFT, DeliveryState.DRAFT)
    with pytest.raises(Conflict):
        lea.plan(post_id)
    with lea.scope() as scope:
        assert get_delivery(scope, late).due_at > scope.now + timedelta(minutes=10)
