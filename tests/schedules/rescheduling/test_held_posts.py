"""Bulk decisions about held and failed posts: preview, one transaction, and no effect on posts that
changed since."""

from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from foundation.errors import Conflict
from foundation.i18n.translation import Message
from schedules.approvals import time_changes
from schedules.availability import slots
from schedules.availability.minimum_interval import MIN_INTERVAL
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.rescheduling import held_posts
from schedules.rescheduling.bulk_moves import MovePreview
from schedules.rescheduling.held_posts import HeldPostAction
from tests.schedules.builders import SandboxAgency, create_sandbox_agency


def undecided(lea: SandboxAgency, number: int, *, channel: str = "main") -> list[UUID]:
    """Create posts that were held as too late."""
    made = [
        lea.delivery(f"{channel} {n}", channel=channel, after=n, late_ok=timedelta(minutes=5))
        for n in range(number)
    ]
    with lea.scope() as scope:
        for one in made:
            deliveries.cancel_wakeups(scope, one)
            row = held_posts.get_delivery(scope, one)
            deliveries.transition_delivery(
                scope, row, DeliveryState.HELD, reason=Message("delivery.too_late")
            )
    lea.pass_time(hours=1)
    return made


def seen(lea: SandboxAgency, how: HeldPostAction) -> MovePreview:
    found: MovePreview = lea.act(held_posts.preview_held_posts, lea.creator_id, how)
    return found


def decide(lea: SandboxAgency, how: HeldPostAction, shown: MovePreview) -> MovePreview:
    done: MovePreview = lea.act(
        held_posts.resolve_held_posts, lea.creator_id, how, seen=shown.seen_versions
    )
    return done


def test_held_posts_publish_at_intervals(lea: SandboxAgency) -> None:
    lea.connect("two")
    ids = [*undecided(lea, 3), *undecided(lea, 2, channel="two")]
    shown = seen(lea, HeldPostAction.NOW)
    assert {one.delivery_id for one in shown.moving} == set(ids)
    done = decide(lea, HeldPostAction.NOW, shown)
    assert (len(done.moving), done.left) == (5, ())
    lea.run()
    assert (len(lea.texts()), len(lea.texts("two"))) == (1, 1)
    lea.live(minutes=25)
    assert {lea.state(one) for one in ids} == {DeliveryState.PUBLISHED}
    settled = sorted(at for one in ids[:3] if (at := lea.entry(one).settled_at) is not None)
    assert all(
        after - before >= MIN_INTERVAL - timedelta(seconds=5) for before, after in pairwise(settled)
    )
    assert lea.notices() == {}


def test_held_posts_keep_distance_to_scheduled_post(lea: SandboxAgency) -> None:
    ids = undecided(lea, 2)
    planned = lea.delivery("planned", after=12 * 60)
    turns = {one.delivery_id: one.after.instant() for one in seen(lea, HeldPostAction.NOW).moving}
    there = lea.entry(planned).due_at
    assert abs(turns[ids[1]] - there) >= MIN_INTERVAL


def test_held_posts_move_to_next_free_slots(lea: SandboxAgency) -> None:
    ids = undecided(lea, 3)
    shown = seen(lea, HeldPostAction.SLOTS)
    assert [one.why.code for one in shown.left] == ["queue.full"] * 3
    with lea.scope() as scope:
        for day in range(7):
            slots.add_slot(
                scope, lea.channels["main"], weekday=day, clock=time(18), zone="Europe/Paris"
            )
    done = decide(lea, HeldPostAction.SLOTS, seen(lea, HeldPostAction.SLOTS))
    assert [f"{one.after.clock:%H:%M}" for one in done.moving] == ["18:00"] * 3
    assert len({one.after.day for one in done.moving}) == 3
    assert {lea.state(one) for one in ids} == {DeliveryState.SCHEDULED}
    with lea.scope() as scope:
        assert len(held_posts.queue.list_queue_entries(scope, lea.channels["main"])) == 3


def test_held_posts_can_be_cancelled(lea: SandboxAgency) -> None:
    ids = undecided(lea, 3)
    decide(lea, HeldPostAction.DROP, seen(lea, HeldPostAction.DROP))
    assert {lea.state(one) for one in ids} == {DeliveryState.CANCELLED}
    assert lea.notices() == {}


def test_held_post_changed_since_preview_is_skipped(
    lea: SandboxAgency,
) -> None:
    ids = undecided(lea, 3)
    shown = seen(lea, HeldPostAction.DROP)
    with lea.scope() as scope:
        time_changes.expedite_delivery(scope, ids[0])
        deliveries.cancel_wakeups(scope, ids[0])
        deliveries.transition_delivery(
            scope,
            held_posts.get_delivery(scope, ids[0]),
            DeliveryState.HELD,
            reason=Message("delivery.too_late"),
        )
    (late,) = undecided(lea, 1)
    done = decide(lea, HeldPostAction.DROP, shown)
    assert {one.delivery_id for one in done.moving} == set(ids[1:])
    assert [(one.delivery_id, one.why.code) for one in done.left] == [(ids[0], "shift.changed")]
    assert (lea.state(ids[0]), lea.state(late)) == (DeliveryState.HELD, DeliveryState.HELD)


def test_post_that_would_be_held_again_is_skipped_with_reason(lea: SandboxAgency) -> None:
    unapproved = lea.wish(lea.write("nobody said yes"), after=60)
    lea.live(minutes=2)
    assert lea.state(unapproved) is DeliveryState.HELD
    assert [one.why.code for one in seen(lea, HeldPostAction.NOW).left] == ["deciding.no_yes"]
    lea.connect("gone")
    undecided(lea, 1, channel="gone")
    with lea.scope() as scope:
        lifecycle.mark_gone(scope, lea.channels["gone"], Message("channel.token_refused"))
    assert sorted(one.why.code for one in seen(lea, HeldPostAction.SLOTS).left) == [
        "deciding.no_yes",
        "delivery.account_lost",
    ]
    assert len(seen(lea, HeldPostAction.DROP).moving) == 2


def test_concurrent_decisions_apply_once(lea: SandboxAgency) -> None:
    ids = undecided(lea, 6)
    shown = seen(lea, HeldPostAction.NOW)

    def press(how: HeldPostAction) -> int:
        try:
            return len(decide(lea, how, shown).moving)
        except Conflict:
            return 0

    with ThreadPoolExecutor(2) as pool:
        counts = sorted(pool.map(press, [HeldPostAction.NOW, HeldPostAction.DROP]))
    assert counts == [0, 6]
    lea.live(hours=2)
    assert {lea.state(one) for one in ids} in ({DeliveryState.PUBLISHED}, {DeliveryState.CANCELLED})
    assert len(lea.texts()) == len(set(lea.texts()))


def test_held_posts_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    ids = undecided(lea, 2)
    shown = seen(lea, HeldPostAction.DROP)
    stranger = create_sandbox_agency(lea.services, lea.network)
    done = stranger.act(
        held_posts.resolve_held_posts, lea.creator_id, HeldPostAction.DROP, seen=shown.seen_versions
    )
    assert done == MovePreview((), ())
    assert {lea.state(one) for one in ids} == {DeliveryState.HELD}


@pytest.mark.parametrize("how", list(HeldPostAction))
def test_decision_without_held_posts_has_no_effect(lea: SandboxAgency, how: HeldPostAction) -> None:
    lea.delivery("ahead", after=3600)
    assert seen(lea, how) == decide(lea, how, seen(lea, how)) == MovePreview((), ())
