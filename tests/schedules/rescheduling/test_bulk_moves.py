"""Bulk moves by wall time: preview, one transaction, and undo."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import render_message
from foundation.ops.wall_time import WallTime, day_bounds, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods
from schedules.availability.slots import find_first_free_time
from schedules.posts.states import DeliveryState
from schedules.publishing import claims
from schedules.rescheduling import bulk_moves, pauses
from schedules.rescheduling.bulk_moves import MovePreview, MoveSelection, TimeOffset
from schedules.rescheduling.pauses import PostingPause
from tenants.notices.queries import list_open_notices
from tests.conftest import WAITS_FOR_US, wait_until
from tests.foundation.ops.test_wall_time import CLOCKS, DAYS, ZONES
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wall_time_after
from tests.schedules.rescheduling.test_queue import filled, queue, words

A_DAY = TimeOffset(days=1)


def chosen(lea: SandboxAgency, *, channel: str | None = None, days: int = 400) -> MoveSelection:
    now = lea.now()
    only = lea.channels[channel] if channel else None
    return MoveSelection(lea.creator_id, only, now - timedelta(days=1), now + timedelta(days=days))


def seen_of(lea: SandboxAgency, what: MoveSelection, by: TimeOffset) -> Mapping[UUID, int]:
    found: MovePreview = lea.act(bulk_moves.preview_bulk_move, what, by)
    return found.seen_versions


def walls(lea: SandboxAgency, *deliveries: UUID) -> list[str]:
    return [lea.entry(one).wall_time for one in deliveries]


@given(DAYS, CLOCKS, st.sampled_from(ZONES), st.integers(-366, 366), st.integers(-5000, 5000))
def test_opposite_offsets_cancel_out(
    day: date, clock: time, zone: str, days: int, minutes: int
) -> None:
    start = WallTime(day, clock, zone)
    assert (
        TimeOffset(-days, -minutes).shift_wall_time(
            TimeOffset(days, minutes).shift_wall_time(start)
        )
        == start
    )


@given(DAYS, CLOCKS, st.sampled_from(ZONES), st.integers(-366, 366))
def test_offset_in_days_keeps_wall_time(day: date, clock: time, zone: str, days: int) -> None:
    assert TimeOffset(days).shift_wall_time(WallTime(day, clock, zone)) == WallTime(
        day + timedelta(days=days), clock, zone
    )


def test_bulk_move_across_clock_change_keeps_wall_time(lea: SandboxAgency) -> None:
    """10:00 in winter and 10:00 in summer time are 23 hours apart."""
    delivery_id = lea.delivery(after=600)
    year = lea.now().year + 1
    march = max(
        day
        for day in (date(year, 3, 31) - timedelta(days=n) for n in range(7))
        if day.weekday() == 6
    )
    at = WallTime(march - timedelta(days=1), time(10), ZONE)
    lea.act(reschedule_delivery, delivery_id, at=at)
    what = chosen(lea, days=800)
    lea.act(bulk_moves.move_deliveries, what, A_DAY, seen=seen_of(lea, what, A_DAY))
    entry = lea.entry(delivery_id)
    assert entry.wall_time == f"{march.isoformat()}T10:00"
    assert entry.due_at - at.instant() == timedelta(hours=23)
    assert entry.state is DeliveryState.SCHEDULED


def test_bulk_move_can_be_undone(lea: SandboxAgency) -> None:
    lea.connect("second")
    mine = [lea.delivery(f"post {number}", after=3600 * (number + 1)) for number in range(3)]
    other = lea.delivery("elsewhere", after=3600, channel="second")
    wish = lea.wish(lea.write("a wish"), after=1800)
    before = walls(lea, *mine, wish, other)
    what = chosen(lea, channel="main")
    done = lea.act(
        bulk_moves.move_deliveries,
        what,
        TimeOffset(2, 90),
        seen=seen_of(lea, what, TimeOffset(2, 90)),
    )
    assert {one.delivery_id for one in done.moved} == {*mine, wish}
    assert done.left == ()
    assert lea.entry(other).wall_time == before[-1]
    assert lea.state(wish) is DeliveryState.DRAFT
    last = lea.act(bulk_moves.latest_undoable_move, [lea.creator_id])
    assert (last.shift_id, last.count) == (done.shift_id, 4)
    back = lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert len(back.moving) == 4
    assert walls(lea, *mine, wish, other) == before
    assert lea.act(bulk_moves.latest_undoable_move, [lea.creator_id]) is None
    with pytest.raises(Conflict):
        lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    lea.live(hours=4)
    assert sorted(lea.texts()) == ["post 0", "post 1", "post 2"]


def test_bulk_move_skips_claimed_and_changed_deliveries(lea: SandboxAgency) -> None:
    sending = lea.delivery("sending")
    lea.fault("hang", seconds=0.05)
    lea.crash(at=11)
    assert lea.state(sending) is DeliveryState.PUBLISHING
    held, moved, fine = (
        lea.wish(lea.write("held")),
        lea.delivery("moved", after=900),
        lea.delivery("fine", after=900),
    )
    lea.run()
    what = chosen(lea)
    seen = seen_of(lea, what, A_DAY)
    lea.act(reschedule_delivery, moved, at=wall_time_after(lea.now(), 1200))
    since = lea.delivery("came since", after=950)
    done = lea.act(bulk_moves.move_deliveries, what, A_DAY, seen=seen)
    assert [one.delivery_id for one in done.moved] == [fine]
    assert {one.delivery_id: one.why.code for one in done.left} == {
        sending: "shift.on_its_way",
        held: "shift.waits_for_you",
        moved: "shift.changed",
        since: "shift.changed",
    }
    lea.act(reschedule_delivery, fine, at=wall_time_after(lea.now(), 7200))
    back = lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert [one.why.code for one in back.left] == ["shift.changed"]
    assert back.moving == ()


def test_bulk_move_waits_for_claim_and_skips_its_delivery(lea: SandboxAgency) -> None:
    """A post that becomes due during the move is published once, at the old time, and the result
    reports it."""
    leaving, later = lea.delivery("leaving"), lea.delivery("later", after=900)
    what = chosen(lea)
    seen = seen_of(lea, what, A_DAY)
    services = lea.services
    with ThreadPoolExecutor(1) as pool:
        with lea.scope() as scope:
            claims.claim_delivery(
                scope, leaving, mint=services.mint, connectors=services.connectors
            )
            moving = pool.submit(lea.act, bulk_moves.move_deliveries, what, A_DAY, seen=seen)
            wait_until(lambda: scope.run(WAITS_FOR_US).scalar() == 1)
        done = moving.result(20)
    assert [one.delivery_id for one in done.moved] == [later]
    assert [(one.delivery_id, one.why.code) for one in done.left] == [(leaving, "shift.on_its_way")]
    assert lea.state(leaving) is DeliveryState.PUBLISHING


def test_bulk_move_into_past_or_too_far_is_refused(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=3600)
    what = chosen(lea)
    found: MovePreview = lea.act(bulk_moves.preview_bulk_move, what, TimeOffset(-1))
    assert [one.why.code for one in found.left] == ["shift.past"]
    for by in (TimeOffset(), TimeOffset(732), TimeOffset(-732), TimeOffset(0, 10**7)):
        with pytest.raises(BadInput):
            lea.act(bulk_moves.preview_bulk_move, what, by)
    done = lea.act(bulk_moves.move_deliveries, what, TimeOffset(-1), seen={delivery_id: 1})
    assert done.moved == ()
    lea.act(reschedule_delivery, delivery_id, at=wall_time_after(lea.now(), 700 * 86400))
    far: MovePreview = lea.act(bulk_moves.preview_bulk_move, chosen(lea, days=800), TimeOffset(60))
    assert (far.moving, [one.why.code for one in far.left]) == ((), ["calendar.out_of_reach"])


def test_old_or_foreign_bulk_move_cannot_be_undone(lea: SandboxAgency) -> None:
    lea.delivery(after=86400)
    what = chosen(lea)
    done = lea.act(bulk_moves.move_deliveries, what, A_DAY, seen=seen_of(lea, what, A_DAY))
    lea.pass_time(minutes=11)
    assert lea.act(bulk_moves.latest_undoable_move, [lea.creator_id]) is None
    with pytest.raises(Conflict):
        lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    other = create_sandbox_agency(lea.services, lea.network)
    with pytest.raises(NotFound):
        other.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert other.act(bulk_moves.preview_bulk_move, what, A_DAY) == MovePreview((), ())
    with pytest.raises(NotFound):
        other.act(bulk_moves.move_deliveries, what, A_DAY, seen={})
    with pytest.raises(NotFound):
        other.act(pauses.start_pause, pause_of(lea, 0, 1), seen={})


def test_bulk_move_preview_warns_of_close_and_quiet_times(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 3600 WHERE tenant_id = :t", t=lea.tenant_id
        )
    day = local_day(lea.now(), ZONE) + timedelta(days=3)
    near, alone, stays = (lea.delivery(body, after=600) for body in ("near", "alone", "stays"))
    lea.act(reschedule_delivery, near, at=WallTime(day, time(10, 10), ZONE))
    lea.act(reschedule_delivery, alone, at=WallTime(day, time(20), ZONE))
    lea.act(reschedule_delivery, stays, at=WallTime(day + timedelta(days=1), time(10), ZONE))
    lea.act(
        quiet_periods.add_quiet_hours,
        lea.creator_id,
        None,
        label="soir",
        zone=ZONE,
        weekday=None,
        start=time(19),
        end=time(21),
    )
    start, end = day_bounds(day, ZONE)
    found: MovePreview = lea.act(
        bulk_moves.preview_bulk_move, MoveSelection(lea.creator_id, None, start, end), A_DAY
    )
    said = {one.delivery_id: one.warning.code for one in found.moving if one.warning}
    assert said == {near: "shift.close", alone: "shift.quiet"}


def test_bulk_move_keeps_queue(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    filled(lea, "a", "b", "c")
    before = [one.at for one in queue(lea)]
    what = chosen(lea)
    done = lea.act(
        bulk_moves.move_deliveries, what, TimeOffset(1), seen=seen_of(lea, what, TimeOffset(1))
    )
    assert [one.at for one in queue(lea)] == [A_DAY.shift_wall_time(at) for at in before]
    assert words(lea) == ["a", "b", "c"]
    assert lea.act(find_first_free_time, lea.channels["main"]) == before[0]
    lea.act(bulk_moves.undo_bulk_move, done.shift_id)
    assert [one.at for one in queue(lea)] == before


def pause_of(
    lea: SandboxAgency, first: int, last: int, *, channel: str | None = None
) -> PostingPause:
    today = local_day(lea.now(), ZONE)
    days = (today + timedelta(days=first), today + timedelta(days=last))
    return PostingPause(
        lea.creator_id, lea.channels[channel] if channel else None, *days, ZONE, "Léa se repose"
    )


def test_pause_moves_posts_and_keeps_queue_order(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    filled(lea, *"abcdef")
    before = [one.at for one in queue(lea)]
    today = local_day(lea.now(), ZONE)
    wanted = pause_of(lea, 2, 4)
    inside = [at for at in before if wanted.first <= at.day <= wanted.last]
    ahead = [at for at in before if at.day < wanted.first]
    by_hand = lea.delivery("by hand", after=600)
    lea.act(reschedule_delivery, by_hand, at=WallTime(today + timedelta(days=3), time(15), ZONE))
    later = lea.delivery("a date of its own", after=600)
    lea.act(reschedule_delivery, later, at=WallTime(today + timedelta(days=8), time(15), ZONE))
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    assert len(shown.moving) == 6 - len(ahead) + 1
    pause_id, done = lea.act(pauses.start_pause, wanted, seen=shown.seen_versions)
    assert done.moved == shown.moving
    assert words(lea) == list("abcdef")
    times = [one.at for one in queue(lea)]
    assert times[: len(ahead)] == ahead
    assert times[len(ahead)].day == wanted.last + timedelta(days=1)
    assert len(inside) == 3
    assert walls(lea, by_hand, later) == [
        f"{today + timedelta(days=6)}T15:00",
        f"{today + timedelta(days=8)}T15:00",
    ]
    assert lea.notices() == {f"pause:{pause_id}": "pause.told"}
    start, end = wanted.as_quiet_period.quiet_window
    assert not [row for row in lea.rows("delivery.publish") if start <= row.available_at < end]
    lea.act(pauses.cancel_pause, pause_id)
    assert [one.at for one in queue(lea)] == before
    assert walls(lea, by_hand) == [f"{today + timedelta(days=3)}T15:00"]
    assert lea.notices() == {}
    assert lea.rows("pause.over") == []
    with pytest.raises(NotFound):
        lea.act(pauses.cancel_pause, pause_id)


def test_one_day_pause_names_one_day(lea: SandboxAgency) -> None:
    wanted = pause_of(lea, 2, 2)
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    lea.act(pauses.start_pause, wanted, seen=shown.seen_versions)
    (told,) = lea.act(list_open_notices)
    assert render_message(told.message, "en") == f"Pause on {wanted.first:%d/%m/%Y}: {wanted.words}"


def test_started_pause_can_end_but_not_be_cancelled(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    filled(lea, *"ab")
    wanted = pause_of(lea, 0, 3)
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    pause_id, _ = lea.act(pauses.start_pause, wanted, seen=shown.seen_versions)
    after = [one.at for one in queue(lea)]
    assert all(at.day > wanted.last for at in after)
    with pytest.raises(Conflict):
        lea.act(pauses.cancel_pause, pause_id)
    assert lea.act(find_first_free_time, lea.channels["main"]).day > wanted.last
    lea.act(pauses.end_pause, pause_id)
    assert [one.at for one in queue(lea)] == after
    assert lea.act(find_first_free_time, lea.channels["main"]).day <= wanted.last
    assert lea.notices() == {}


def test_pause_notice_closes_when_pause_is_over(lea: SandboxAgency) -> None:
    pause_id, _ = lea.act(pauses.start_pause, pause_of(lea, 0, 1), seen={})
    lea.live(hours=1)
    assert lea.notices() == {f"pause:{pause_id}": "pause.told"}
    lea.live(hours=48)
    assert lea.notices() == {}


def test_pause_of_one_account_does_not_affect_others(lea: SandboxAgency) -> None:
    lea.connect("second")
    here, there = (
        lea.delivery("here", after=7200),
        lea.delivery("there", after=7200, channel="second"),
    )
    before = walls(lea, there)
    wanted = pause_of(lea, 0, 2, channel="main")
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    lea.act(pauses.start_pause, wanted, seen=shown.seen_versions)
    assert walls(lea, there) == before
    assert [one.delivery_id for one in shown.moving] == [here]


def test_invalid_pause_is_refused(lea: SandboxAgency) -> None:
    lea.delivery(after=7200)
    for first, last in ((-5, -3), (3, 1), (0, 500)):
        with pytest.raises(BadInput):
            lea.act(pauses.start_pause, pause_of(lea, first, last), seen={})
    assert lea.act(quiet_periods.list_quiet_periods, [lea.creator_id]) == []
