"""Drag and drop of a post to another day or hour: complete or refused, only in the version that was
shown, never into the past."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day, to_wall_time
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import slots
from schedules.posts import deliveries
from schedules.posts.states import PENDING_STATES, DeliveryState
from schedules.rescheduling import bulk_moves, drag_and_drop
from schedules.rescheduling.drag_and_drop import (
    DropTarget,
    clock_time_in_hour,
    is_within_target,
    same_clock_time,
    to_zone,
)
from tests.foundation.ops.test_wall_time import CLOCKS, DAYS, ZONES
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency


def at(lea: SandboxAgency, days: int, clock: time = time(10, 20)) -> WallTime:
    return WallTime(local_day(lea.now(), ZONE) + timedelta(days=days), clock, ZONE)


def planned(
    lea: SandboxAgency, days: int = 3, *, clock: time = time(10, 20), body: str = "hello"
) -> UUID:
    found = lea.delivery(body, after=3600)
    lea.act(reschedule_delivery, found, at=at(lea, days, clock))
    return found


def seen(lea: SandboxAgency, *deliveries: UUID) -> dict[UUID, int]:
    return {one: lea.entry(one).version for one in deliveries}


def drop(
    lea: SandboxAgency, found: UUID, days: int, hour: int | None = None
) -> bulk_moves.MoveResult:
    done: bulk_moves.MoveResult = lea.act(
        drag_and_drop.drop_deliveries, seen(lea, found), DropTarget(at(lea, days).day, hour, ZONE)
    )
    return done


@given(DAYS, CLOCKS, st.sampled_from(ZONES), DAYS)
def test_drop_on_day_keeps_wall_time(day: date, clock: time, zone: str, other: date) -> None:
    wall = WallTime(day, clock, zone)
    if wall.is_in_dst_gap:  # it is published later than its wall time, perhaps on the next day
        return
    assert same_clock_time(wall, wall.instant(), DropTarget(other, None, zone)) == WallTime(
        other, clock, zone
    )


@given(DAYS, CLOCKS, st.sampled_from(ZONES), DAYS, st.integers(0, 23))
def test_drop_on_hour_uses_target_time_zone(
    day: date, clock: time, zone: str, other: date, hour: int
) -> None:
    due = WallTime(day, clock, zone).instant()
    wall = clock_time_in_hour(due, hour, DropTarget(other, hour, zone))
    assert (wall.day, wall.clock.hour, wall.zone) == (other, hour, zone)
    assert wall.clock.minute == (
        to_wall_time(due, zone).clock.minute if to_wall_time(due, zone).clock.hour == hour else 0
    )


@given(DAYS, CLOCKS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_zone_conversion_keeps_instant(day: date, clock: time, zone: str, elsewhere: str) -> None:
    wall = WallTime(day, clock, zone)
    there = to_zone(wall, elsewhere)
    assert there.zone == elsewhere
    if (
        not there.is_in_dst_gap
        and to_wall_time(wall.instant(), elsewhere).instant() == wall.instant()
    ):  # no repeated hour
        assert there.instant() == wall.instant()


WALLS = st.builds(WallTime, DAYS, CLOCKS, st.sampled_from(ZONES))


@given(WALLS, st.sampled_from(ZONES), DAYS)
def test_drop_on_day_of_another_zone_keeps_zone_of_post(
    wall: WallTime, looked: str, other: date
) -> None:
    """The post keeps its time zone: the wall time stays where it falls on that day, else the
    displayed hour is used."""
    if wall.is_in_dst_gap:
        return
    spot = DropTarget(other, None, looked)
    moved = same_clock_time(wall, wall.instant(), spot)
    assert moved.zone == wall.zone
    seen = WallTime(other, to_wall_time(wall.instant(), looked).clock, looked)
    there = local_day(moved.instant(), looked)
    if moved.clock == wall.clock:
        assert abs((there - other).days) <= (wall.zone == looked or seen.is_in_dst_gap)
    else:
        assert abs(moved.instant() - seen.instant()) <= timedelta(
            hours=2
        )  # an hour that the clocks repeat or skip


@given(WALLS, st.sampled_from(ZONES), DAYS, st.integers(0, 23))
def test_drop_on_hour_of_another_zone_keeps_zone_of_post(
    before: WallTime, looked: str, other: date, hour: int
) -> None:
    spot = DropTarget(other, hour, looked)
    wall = clock_time_in_hour(before.instant(), hour, spot)
    planned = to_zone(wall, before.zone)
    assert planned.zone == before.zone
    assert not planned.is_in_dst_gap or before.zone == looked
    if planned.instant() == wall.instant() and not wall.is_in_dst_gap:
        assert is_within_target(planned.instant(), spot)
    else:  # the zone of the creator repeats that hour, and the first of the two is used
        assert timedelta(0) <= wall.instant() - planned.instant() <= timedelta(hours=2)


def test_drop_snaps_to_usual_hour_in_another_time_zone(lea: SandboxAgency) -> None:
    """18:30 in Paris is 12:30 or 13:30 in New York: the usual hour of Paris lies within the hour of
    the target."""
    found, day = planned(lea), at(lea, 5).day
    looked = to_wall_time(at(lea, 5, time(18, 30)).instant(), "America/New_York")
    spot = DropTarget(looked.day, looked.clock.hour, looked.zone)
    lea.act(drag_and_drop.drop_deliveries, seen(lea, found), spot)
    assert lea.entry(found).wall_time == str(WallTime(day, time(18, 30), ZONE))
    assert lea.entry(found).zone == ZONE


def test_dropped_post_snaps_to_free_slot_and_can_be_undone(lea: SandboxAgency) -> None:
    found = planned(lea)
    drop(lea, found, 5)
    assert lea.entry(found).wall_time == str(at(lea, 5))
    for weekday in range(7):
        lea.act(
            slots.add_slot, lea.channels["main"], weekday=weekday, clock=time(16, 45), zone=ZONE
        )
    done = drop(lea, found, 6, 16)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(16, 45)))
    lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert lea.entry(found).wall_time == str(at(lea, 5))
    drop(lea, found, 6, 9)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(9)))


def test_drop_snaps_to_free_usual_hour(lea: SandboxAgency) -> None:
    """Without history, the calendar shows 18:30 as free."""
    found = planned(lea)
    drop(lea, found, 5, 18)
    assert lea.entry(found).wall_time == str(at(lea, 5, time(18, 30)))
    drop(lea, found, 5, 9)
    planned(lea, 4, clock=time(18, 50), body="near")
    drop(lea, found, 4, 18)
    assert lea.entry(found).wall_time == str(at(lea, 4, time(18)))


def test_drop_does_not_snap_to_taken_slot(lea: SandboxAgency) -> None:
    day = at(lea, 6).day
    lea.act(
        slots.add_slot, lea.channels["main"], weekday=day.weekday(), clock=time(16, 45), zone=ZONE
    )
    planned(lea, 6, clock=time(16, 45), body="there first")
    found = planned(lea)
    drop(lea, found, 6, 16)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(16)))


def test_all_deliveries_of_card_move_or_none(lea: SandboxAgency) -> None:
    lea.connect("second")
    post_id = lea.write()
    both = [
        lea.act(deliveries.create_delivery, post_id, lea.channels[name], at=at(lea, 3))
        for name in ("main", "second")
    ]
    lea.act(drag_and_drop.drop_deliveries, seen(lea, *both), DropTarget(at(lea, 4).day, 12, ZONE))
    assert {lea.entry(one).wall_time for one in both} == {str(at(lea, 4, time(12)))}
    before = seen(lea, *both)
    lea.act(deliveries.cancel_delivery, both[1])
    for versions in (before, seen(lea, *both)):
        with pytest.raises(Conflict):
            lea.act(drag_and_drop.drop_deliveries, versions, DropTarget(at(lea, 5).day, 12, ZONE))
    assert lea.entry(both[0]).wall_time == str(at(lea, 4, time(12)))


@pytest.mark.parametrize("state", sorted(set(DeliveryState) - PENDING_STATES))
def test_delivery_in_other_state_cannot_be_dropped(
    lea: SandboxAgency, state: DeliveryState
) -> None:
    found = planned(lea)
    with lea.scope() as scope:
        scope.run(
            "UPDATE deliveries SET state = :s WHERE tenant_id = :t AND id = :id",
            s=str(state),
            t=lea.tenant_id,
            id=found,
        )
    with pytest.raises(Conflict) as told:
        drop(lea, found, 5)
    known = state in (DeliveryState.HELD, DeliveryState.FAILED, DeliveryState.BROKEN_OFF)
    assert told.value.message.code == ("shift.waits_for_you" if known else "delivery.not_movable")
    assert lea.entry(found).wall_time == str(at(lea, 3))


def test_drop_into_past_or_too_far_is_refused(lea: SandboxAgency) -> None:
    found = planned(lea)
    for days, hour, code in (
        (-1, None, "shift.past"),
        (-1, 23, "shift.past"),
        (3, None, "drag.nowhere"),
        (3, 10, "drag.nowhere"),
        (740, None, "calendar.out_of_reach"),
    ):
        with pytest.raises(GreenroomError) as told:
            drop(lea, found, days, hour)
        assert told.value.message.code == code
    for day in (date.min, date.max):
        with pytest.raises(BadInput):
            lea.act(drag_and_drop.drop_deliveries, seen(lea, found), DropTarget(day, None, ZONE))
    assert lea.entry(found).wall_time == str(at(lea, 3))


def test_drop_of_foreign_or_mixed_deliveries_is_not_found(lea: SandboxAgency) -> None:
    other = create_sandbox_agency(lea.services, lea.network)
    theirs, ours, more = planned(other), planned(lea), planned(lea, body="another")
    for versions in ({theirs: 1}, {ours: 1, theirs: 1}, {ours: 1, more: 1}, {uuid7(): 1}, {}):
        with pytest.raises(NotFound):
            lea.act(drag_and_drop.drop_deliveries, versions, DropTarget(at(lea, 5).day, None, ZONE))
        with pytest.raises(NotFound):
            lea.act(drag_and_drop.creator_of_deliveries, versions)


def test_concurrent_drops_move_card_once(lea: SandboxAgency) -> None:
    found = planned(lea)
    versions = seen(lea, found)
    days = [at(lea, 5).day, at(lea, 6).day]

    def one(day: date) -> str:
        try:
            lea.act(drag_and_drop.drop_deliveries, versions, DropTarget(day, None, ZONE))
        except Conflict as told:
            return told.message.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, days)) == ["delivery.moved_meanwhile", "done"]
    assert lea.entry(found).version == versions[found] + 1


def test_dropped_post_is_published_at_new_time(lea: SandboxAgency) -> None:
    found = planned(lea, 1)
    drop(lea, found, 2, 15)
    lea.live(days=1, hours=12)
    assert lea.texts() == []
    lea.live(days=2)
    assert (lea.state(found), len(lea.texts())) == (DeliveryState.PUBLISHED, 1)
