"""The queue of an account: its order, moves between slots, and notices."""

from datetime import time, timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day
from schedules.approvals.release import release_post
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods, slots
from schedules.drafts.drafts import Draft
from schedules.posts.states import DeliveryState
from schedules.rescheduling import bulk_moves
from schedules.rescheduling import queue as queueing
from schedules.rescheduling.queue import QueueEntry
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wall_time_after


def filled(lea: SandboxAgency, *bodies: str, channel: str = "main") -> list[UUID]:
    """Queue, approve and schedule these posts. Return the deliveries of the queue in order."""
    for body in bodies:
        post_id = lea.write(body)
        lea.act(queueing.add_post_to_queue, post_id, lea.channels[channel])
        lea.approve(post_id)
        lea.plan(post_id)
    return [one.delivery_id for one in queue(lea, channel)]


def queue(lea: SandboxAgency, channel: str = "main") -> list[QueueEntry]:
    return lea.act(queueing.list_queue_entries, lea.channels[channel])


def seen(lea: SandboxAgency, channel: str = "main") -> dict[UUID, int]:
    return {one.delivery_id: one.version for one in queue(lea, channel)}


def words(lea: SandboxAgency, channel: str = "main") -> list[str]:
    return [one.words for one in queue(lea, channel)]


def test_queued_post_publishes_at_its_slot(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    delivery_id = filled(lea, "in the queue")[0]
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    lea.live(hours=25)
    assert lea.texts() == ["in the queue"]
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None
)
@given(st.permutations([0, 1, 2, 3]))
def test_reordering_queue_keeps_times(lea: SandboxAgency, order: list[int]) -> None:
    if not queue(lea):
        every_day(lea, time(10))
        filled(lea, "a", "b", "c", "d")
    before = queue(lea)
    lea.act(
        queueing.reorder_queue,
        lea.channels["main"],
        [before[one].delivery_id for one in order],
        seen=seen(lea),
    )
    after = queue(lea)
    assert [one.words for one in after] == [before[one].words for one in order]
    assert [one.at for one in after] == [one.at for one in before]
    assert all(one.state is DeliveryState.SCHEDULED for one in after)


def test_reordering_queue_can_be_undone(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    known = filled(lea, *"abcd")
    done = lea.act(queueing.reorder_queue, lea.channels["main"], known[::-1], seen=seen(lea))
    assert words(lea) == list("dcba")
    lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert words(lea) == list("abcd")
    lea.live(hours=100)
    assert lea.texts() == list("abcd")


def test_undo_skips_slots_taken_since(lea: SandboxAgency) -> None:
    """Otherwise it would have the same time as the other post and belong to no queue."""
    every_day(lea, time(10))
    lea.act(queueing.remove_from_queue, filled(lea, *"abc")[0])
    done = lea.act(queueing.pull_queue_forward, lea.channels["main"], seen=seen(lea))
    filled(lea, "d")
    before = [one.at for one in queue(lea)]
    back = lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert words(lea) == list("bcd")
    assert [one.at for one in queue(lea)] == before
    assert (back.moving, [one.why.code for one in back.left]) == ((), ["shift.slot_taken"] * 2)
    lea.live(hours=100)
    assert lea.texts() == list("bcd")


def test_shuffle_is_repeatable_by_key(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    known = filled(lea, *"abcdef")
    key = uuid7()
    lea.act(queueing.shuffle_queue, lea.channels["main"], key=key, seen=seen(lea))
    first = words(lea)
    assert sorted(first) == list("abcdef")
    lea.act(queueing.reorder_queue, lea.channels["main"], known, seen=seen(lea))
    assert words(lea) == list("abcdef")
    lea.act(queueing.shuffle_queue, lea.channels["main"], key=key, seen=seen(lea))
    assert words(lea) == first


def test_changed_queue_is_not_reordered(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    known = filled(lea, "a", "b")
    old = seen(lea)
    filled(lea, "c")
    with pytest.raises(Conflict):
        lea.act(queueing.reorder_queue, lea.channels["main"], known[::-1], seen=old)
    with pytest.raises(BadInput):
        lea.act(queueing.reorder_queue, lea.channels["main"], known, seen=seen(lea))
    with pytest.raises(Conflict):
        lea.act(queueing.pull_queue_forward, lea.channels["main"], seen=old)
    assert words(lea) == ["a", "b", "c"]


def test_queue_is_pulled_forward_on_request(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    channel, known = lea.channels["main"], filled(lea, "a", "b", "c", "d")
    times = [one.at for one in queue(lea)]
    lea.act(queueing.remove_from_queue, known[0])
    assert [one.at for one in queue(lea)] == times[1:], "the queue does not move without a request"
    shown = lea.act(queueing.preview_pull_forward, channel)
    assert [one.after for one in shown.moving] == times[:3]
    assert all(one.warning is None for one in shown.moving)
    done = lea.act(queueing.pull_queue_forward, channel, seen=seen(lea))
    assert done.left == ()
    assert [one.at for one in queue(lea)] == times[:3]
    assert words(lea) == ["b", "c", "d"]
    assert lea.act(queueing.preview_pull_forward, channel).moving == ()
    with pytest.raises(Conflict):
        lea.act(queueing.remove_from_queue, known[1], version=1)


def test_pulling_forward_delays_no_post(lea: SandboxAgency) -> None:
    """A quiet day was added after scheduling: pulling posts forward must not delay any of them."""
    every_day(lea, time(10))
    channel, known = lea.channels["main"], filled(lea, "a", "b", "c", "d")
    times = [one.at for one in queue(lea)]
    closed = times[2].day
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="x",
        zone=ZONE,
        first=closed,
        last=closed,
    )
    assert lea.act(queueing.preview_pull_forward, channel).moving == ()
    lea.act(queueing.remove_from_queue, known[0])
    assert [one.after for one in lea.act(queueing.preview_pull_forward, channel).moving] == [
        times[0],
        times[1],
    ]
    lea.act(queueing.pull_queue_forward, channel, seen=seen(lea))
    assert [one.at for one in queue(lea)] == [times[0], times[1], times[3]]
    assert words(lea) == ["b", "c", "d"]


def test_held_post_takes_next_free_slot(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    filled(lea, "a")
    held = lea.wish(lea.write("nobody said yes"))
    lea.run()
    assert lea.state(held) is DeliveryState.HELD
    at = lea.act(queueing.queue_delivery, held)
    assert lea.state(held) is DeliveryState.DRAFT, "it needs approval"
    assert [one.at for one in queue(lea)][1] == at
    assert lea.act(queueing.queue_delivery, held) == at


def test_draft_is_queued_on_each_account(lea: SandboxAgency) -> None:
    lea.connect("second")
    every_day(lea, time(10))
    every_day(lea, time(12), channel="second")
    draft = Draft(lea.creator_id, "", "to both", (), tuple(lea.channels.values()))
    key, author = uuid7(), f"member:{lea.author}"
    with lea.scope(author) as scope:
        post_id, times = queueing.queue_draft(scope, draft, key=key, author=author, priority=2)
        assert not release_post(scope, post_id)
    assert [times[lea.channels[name]].clock for name in ("main", "second")] == [time(10), time(12)]
    with lea.scope(author) as scope:
        assert queueing.queue_draft(scope, draft, key=key, author=author) == (post_id, times)
    lea.approve(post_id)
    lea.plan(post_id)
    lea.live(hours=25)
    assert lea.texts("main") == lea.texts("second") == ["to both"]


def test_priority_orders_posts_due_together(lea: SandboxAgency) -> None:
    """Posts of an account that are due together are published by priority."""
    at = wall_time_after(lea.now(), 600)
    for body, priority in (("later", 9), ("first", 1), ("second", 5)):
        lea.act(reschedule_delivery, lea.delivery(body, after=600, priority=priority), at=at)
    with lea.scope() as scope:
        found = scope.run(
            "SELECT priority FROM outbox WHERE tenant_id = :t AND kind = 'delivery.publish'",
            t=lea.tenant_id,
        ).scalars()
        assert sorted(found) == [1, 5, 9]
    lea.pass_time(minutes=10, seconds=1)
    lea.run()
    assert lea.texts() == ["first", "second", "later"]
    for wrong in (-1, 10):
        with pytest.raises(BadInput):
            lea.write("x", priority=wrong)


def test_low_queue_is_notified_once(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    channel = lea.channels["main"]
    filled(lea, *"abcd")
    cause, due = f"queue:{channel}", [one.due_at for one in queue(lea)]
    for place, low in enumerate((0, 1)):
        lea.live(seconds=(due[place] - lea.now()).total_seconds() + 60)
        assert [lea.act(queueing.notify_low_queues) for _ in range(2)] == [low, low]
        assert lea.notices().get(cause) == ("queue.low" if low else None)
    lea.act(queueing.add_post_to_queue, lea.write("e"), channel)
    assert cause not in lea.notices()


def test_queue_without_slot_within_a_year_is_full(lea: SandboxAgency) -> None:
    channel, today = lea.channels["main"], local_day(lea.now(), ZONE)
    lea.act(slots.add_slot, channel, weekday=today.weekday(), clock=time(10), zone=ZONE)
    for start in (0, 200):
        first = today + timedelta(days=start)
        days = {"first": first, "last": first + timedelta(days=200)}
        lea.act(quiet_periods.add_quiet_days, lea.creator_id, channel, label="", zone=ZONE, **days)
    with pytest.raises(BadInput) as told:
        lea.act(queueing.add_post_to_queue, lea.write(), channel)
    assert told.value.message.code == "queue.full"


def test_queue_is_invisible_to_another_tenant(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    known, other = filled(lea, "a"), create_sandbox_agency(lea.services, lea.network)
    channel = lea.channels["main"]
    assert other.act(queueing.list_queue_entries, channel) == []
    for act in (
        lambda: other.act(queueing.queue_delivery, known[0]),
        lambda: other.act(queueing.remove_from_queue, known[0]),
        lambda: other.act(queueing.preview_pull_forward, channel),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(Conflict):
        other.act(queueing.reorder_queue, channel, known, seen=seen(lea))


def test_minimum_interval_delays_post_without_deadline(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        scope.run("UPDATE channels SET min_gap_seconds = 600 WHERE tenant_id = :t", t=lea.tenant_id)
    lea.delivery("first", after=60, late_ok=None)
    lea.delivery("second", after=120, late_ok=None)
    lea.delivery("its author wants it in time", after=180, late_ok=timedelta(minutes=5))
    lea.live(minutes=4)
    assert lea.texts() == ["first", "its author wants it in time"]
    lea.live(minutes=8)
    assert len(lea.texts()) == 2
    lea.live(minutes=3)
    assert lea.texts()[2] == "second"


def test_manually_rescheduled_post_is_not_in_queue(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    known = filled(lea, "a", "b")
    at = queue(lea)[0].at
    lea.act(reschedule_delivery, known[0], at=wall_time_after(lea.now(), 86400 * 9))
    assert words(lea) == ["b"]
    lea.act(reschedule_delivery, known[0], at=WallTime(at.day, at.clock, at.zone))
    assert words(lea) == ["a", "b"], "a delivery at its slot belongs to the queue"


def test_closed_slot_moves_its_posts_to_other_slots(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    every_day(lea, time(15))
    filled(lea, "a", "b", "c", "d")
    before = queue(lea)
    gone = before[0].slot_id
    theirs = [one for one in before if one.slot_id == gone]
    versions = {one.delivery_id: one.version for one in queueing.entries_at_slot(before, gone)}
    done = lea.act(queueing.close_slot, gone, seen=versions)
    assert [one.delivery_id for one in done.moved] == [one.delivery_id for one in theirs]
    after = queue(lea)
    assert {one.delivery_id for one in after} == {one.delivery_id for one in before}
    assert gone not in {one.slot_id for one in after}
    assert len({one.due_at for one in after}) == len(before)
    kept = {one.delivery_id: one.at for one in before if one.slot_id != gone}
    assert {one.delivery_id: one.at for one in after if one.delivery_id in kept} == kept, (
        "other deliveries keep their times"
    )
    with lea.scope() as scope:
        assert gone not in {one.id for one in slots.list_slots(scope, lea.channels["main"])}
    lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    back = {one.delivery_id: lea.entry(one.delivery_id).wall_time for one in theirs}
    assert back == {one.delivery_id: str(one.at) for one in theirs}


def test_closed_slot_skips_changed_posts(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    every_day(lea, time(15))
    filled(lea, "a", "b")
    first = queue(lea)[0]
    done = lea.act(queueing.close_slot, first.slot_id, seen={})
    assert (done.moved, [one.why.code for one in done.left]) == ((), ["shift.changed"])
    assert lea.entry(first.delivery_id).wall_time == str(first.at)


def test_last_slot_with_posts_cannot_be_closed(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        only = slots.add_slot(scope, lea.channels["main"], weekday=0, clock=time(10), zone="UTC")
    filled(lea, "a")
    (one,) = queue(lea)
    with pytest.raises(BadInput):
        lea.act(queueing.close_slot, only, seen={one.delivery_id: one.version})
    assert len(queue(lea)) == 1
