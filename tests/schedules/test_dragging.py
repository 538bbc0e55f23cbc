"""One post dragged to another day or hour: whole or not at all, as it was seen, never into the past."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound
from foundation.ids import uuid7
from schedules import dragging, planning, shifting, slots
from schedules.calendar import WallTime, local_day, local_wall
from schedules.dragging import Spot, at_hour, on_clock, same_time, within
from schedules.states import TO_COME
from schedules.states import DeliveryState as S
from tests.schedules.builders import ZONE, Desk, desk
from tests.schedules.test_calendar import CLOCKS, DAYS, ZONES


def at(lea: Desk, days: int, clock: time = time(10, 20)) -> WallTime:
    return WallTime(local_day(lea.now(), ZONE) + timedelta(days=days), clock, ZONE)


def planned(lea: Desk, days: int = 3, *, clock: time = time(10, 20), body: str = "hello") -> UUID:
    found = lea.delivery(body, after=3600)
    lea.act(planning.move_delivery, found, at=at(lea, days, clock))
    return found


def seen(lea: Desk, *deliveries: UUID) -> dict[UUID, int]:
    return {one: lea.entry(one).version for one in deliveries}


def drop(lea: Desk, found: UUID, days: int, hour: int | None = None) -> shifting.Done:
    done: shifting.Done = lea.act(dragging.drag, seen(lea, found), Spot(at(lea, days).day, hour, ZONE))
    return done


@given(DAYS, CLOCKS, st.sampled_from(ZONES), DAYS)
def test_another_day_keeps_the_clock(day: date, clock: time, zone: str, other: date) -> None:
    wall = WallTime(day, clock, zone)
    if wall.moved_by_gap:  # it leaves later than its clock says, maybe on the next day
        return
    assert same_time(wall, wall.instant(), Spot(other, None, zone)) == WallTime(other, clock, zone)


@given(DAYS, CLOCKS, st.sampled_from(ZONES), DAYS, st.integers(0, 23))
def test_an_hour_is_the_hour_on_the_clock_it_was_dropped_on(
    day: date, clock: time, zone: str, other: date, hour: int
) -> None:
    due = WallTime(day, clock, zone).instant()
    wall = at_hour(due, hour, Spot(other, hour, zone))
    assert (wall.day, wall.clock.hour, wall.zone) == (other, hour, zone)
    assert wall.clock.minute == (local_wall(due, zone).clock.minute if local_wall(due, zone).clock.hour == hour else 0)


@given(DAYS, CLOCKS, st.sampled_from(ZONES), st.sampled_from(ZONES))
def test_an_instant_on_the_clock_of_another_zone_is_the_same(day: date, clock: time, zone: str, elsewhere: str) -> None:
    wall = WallTime(day, clock, zone)
    there = on_clock(wall, elsewhere)
    assert there.zone == elsewhere
    if not there.moved_by_gap and local_wall(wall.instant(), elsewhere).instant() == wall.instant():  # no hour twice
        assert there.instant() == wall.instant()


WALLS = st.builds(WallTime, DAYS, CLOCKS, st.sampled_from(ZONES))


@given(WALLS, st.sampled_from(ZONES), DAYS)
def test_what_is_dropped_on_a_day_lies_in_it_on_the_clock_that_was_looked_at(
    wall: WallTime, looked: str, other: date
) -> None:
    """And stays planned on its own clock: as it was where that is on this day, else at the hour it was seen."""
    if wall.moved_by_gap:
        return
    spot = Spot(other, None, looked)
    moved = same_time(wall, wall.instant(), spot)
    assert moved.zone == wall.zone
    seen = WallTime(other, local_wall(wall.instant(), looked).clock, looked)
    there = local_day(moved.instant(), looked)
    if moved.clock == wall.clock:
        assert abs((there - other).days) <= (wall.zone == looked or seen.moved_by_gap)
    else:
        assert abs(moved.instant() - seen.instant()) <= timedelta(hours=2)  # an hour that clocks show twice, or skip


@given(WALLS, st.sampled_from(ZONES), DAYS, st.integers(0, 23))
def test_an_hour_of_another_clock_ends_as_what_hers_show_then(
    before: WallTime, looked: str, other: date, hour: int
) -> None:
    spot = Spot(other, hour, looked)
    wall = at_hour(before.instant(), hour, spot)
    planned = on_clock(wall, before.zone)
    assert planned.zone == before.zone
    assert not planned.moved_by_gap or before.zone == looked
    if planned.instant() == wall.instant() and not wall.moved_by_gap:
        assert within(planned.instant(), spot)
    else:  # hers show that hour twice, and the first of the two is meant
        assert timedelta(0) <= wall.instant() - planned.instant() <= timedelta(hours=2)


def test_hours_of_hers_draw_on_whatever_clock_they_are_looked_at(lea: Desk) -> None:
    """Six in the evening of Paris is noon or one o'clock in New York: the free half past six lies in that hour."""
    found, day = planned(lea), at(lea, 5).day
    looked = local_wall(at(lea, 5, time(18, 30)).instant(), "America/New_York")
    spot = Spot(looked.day, looked.clock.hour, looked.zone)
    lea.act(dragging.drag, seen(lea, found), spot)
    assert lea.entry(found).wall_time == str(WallTime(day, time(18, 30), ZONE))
    assert lea.entry(found).zone == ZONE


def test_a_day_a_free_slot_and_back(lea: Desk) -> None:
    found = planned(lea)
    drop(lea, found, 5)
    assert lea.entry(found).wall_time == str(at(lea, 5))
    for weekday in range(7):
        lea.act(slots.add_slot, lea.channels["main"], weekday=weekday, clock=time(16, 45), zone=ZONE)
    done = drop(lea, found, 6, 16)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(16, 45)))
    lea.act(shifting.undo, done.shift_id)
    assert lea.entry(found).wall_time == str(at(lea, 5))
    drop(lea, found, 6, 9)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(9)))


def test_an_hour_shown_as_free_is_taken(lea: Desk) -> None:
    """Of whom nothing is known the calendar shows 18:30 as free."""
    found = planned(lea)
    drop(lea, found, 5, 18)
    assert lea.entry(found).wall_time == str(at(lea, 5, time(18, 30)))
    drop(lea, found, 5, 9)
    planned(lea, 4, clock=time(18, 50), body="near")
    drop(lea, found, 4, 18)
    assert lea.entry(found).wall_time == str(at(lea, 4, time(18)))


def test_a_slot_that_is_taken_draws_nobody(lea: Desk) -> None:
    day = at(lea, 6).day
    lea.act(slots.add_slot, lea.channels["main"], weekday=day.weekday(), clock=time(16, 45), zone=ZONE)
    planned(lea, 6, clock=time(16, 45), body="there first")
    found = planned(lea)
    drop(lea, found, 6, 16)
    assert lea.entry(found).wall_time == str(at(lea, 6, time(16)))


def test_all_accounts_of_a_card_go_or_none(lea: Desk) -> None:
    lea.connect("second")
    post_id = lea.write()
    both = [lea.act(planning.add_delivery, post_id, lea.channels[name], at=at(lea, 3)) for name in ("main", "second")]
    lea.act(dragging.drag, seen(lea, *both), Spot(at(lea, 4).day, 12, ZONE))
    assert {lea.entry(one).wall_time for one in both} == {str(at(lea, 4, time(12)))}
    before = seen(lea, *both)
    lea.act(planning.cancel, both[1])
    for versions in (before, seen(lea, *both)):
        with pytest.raises(Conflict):
            lea.act(dragging.drag, versions, Spot(at(lea, 5).day, 12, ZONE))
    assert lea.entry(both[0]).wall_time == str(at(lea, 4, time(12)))


@pytest.mark.parametrize("state", sorted(set(S) - TO_COME))
def test_what_is_locked_or_waits_for_somebody_stays(lea: Desk, state: S) -> None:
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
    known = state in (S.HELD, S.FAILED, S.BROKEN_OFF)
    assert told.value.message.code == ("shift.waits_for_you" if known else "delivery.not_movable")
    assert lea.entry(found).wall_time == str(at(lea, 3))


def test_the_past_nowhere_and_too_far_are_refused(lea: Desk) -> None:
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
            lea.act(dragging.drag, seen(lea, found), Spot(day, None, ZONE))
    assert lea.entry(found).wall_time == str(at(lea, 3))


def test_ids_of_others_and_of_two_posts_are_nobodys(lea: Desk) -> None:
    other = desk(lea.services, lea.network)
    theirs, ours, more = planned(other), planned(lea), planned(lea, body="another")
    for versions in ({theirs: 1}, {ours: 1, theirs: 1}, {ours: 1, more: 1}, {uuid7(): 1}, {}):
        with pytest.raises(NotFound):
            lea.act(dragging.drag, versions, Spot(at(lea, 5).day, None, ZONE))
        with pytest.raises(NotFound):
            lea.act(dragging.owner, versions)


def test_two_who_drag_one_card_move_it_once(lea: Desk) -> None:
    found = planned(lea)
    versions = seen(lea, found)
    days = [at(lea, 5).day, at(lea, 6).day]

    def one(day: date) -> str:
        try:
            lea.act(dragging.drag, versions, Spot(day, None, ZONE))
        except Conflict as told:
            return told.message.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, days)) == ["delivery.moved_meanwhile", "done"]
    assert lea.entry(found).version == versions[found] + 1


def test_it_leaves_at_its_new_hour(lea: Desk) -> None:
    found = planned(lea, 1)
    drop(lea, found, 2, 15)
    lea.live(days=1, hours=12)
    assert lea.texts() == []
    lea.live(days=2)
    assert (lea.state(found), len(lea.texts())) == (S.PUBLISHED, 1)
