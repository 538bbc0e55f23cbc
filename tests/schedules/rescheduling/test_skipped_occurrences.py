"""Skipped occurrences: series leave out quiet days and pauses, and no occurrence is moved next to
another one."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, day_bounds, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import quiet_periods
from schedules.posts.states import DeliveryState
from schedules.publishing import claims
from schedules.recurrence import queries, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.rescheduling import bulk_moves, drag_and_drop, pauses
from schedules.rescheduling.bulk_moves import MovePreview, MoveSelection, TimeOffset
from schedules.rescheduling.drag_and_drop import DropTarget
from schedules.rescheduling.pauses import PostingPause
from tests.schedules.availability.test_slots import every_day
from tests.schedules.builders import SandboxAgency
from tests.schedules.rescheduling.test_queue import filled, queue
from tests.schedules.series_builders import (
    DAILY,
    WEEKLY,
    approve_and_release,
    build_draft,
    list_active_dates,
    list_deliveries,
    start_series,
)

pytestmark = pytest.mark.heavy

ZONE = "UTC"


def day(lea: SandboxAgency, ahead: int) -> date:
    return local_day(lea.now(), ZONE) + timedelta(days=ahead)


def daily(
    lea: SandboxAgency, *channels: str, hour: int = 12, rule: RecurrenceRule = DAILY, first: int = 1
) -> UUID:
    """Start, create and approve a series that begins `first` days from now. Return its post ID."""
    post_id = start_series(lea, Recurrence(rule, day(lea, first), time(hour), ZONE), *channels)
    lea.run()
    approve_and_release(lea, post_id)
    return post_id


def pause_of(
    lea: SandboxAgency, first: int, last: int, *, channel: str | None = None
) -> PostingPause:
    only_there = lea.channels[channel] if channel else None
    return PostingPause(
        lea.creator_id, only_there, day(lea, first), day(lea, last), ZONE, "Léa se repose"
    )


def begun(lea: SandboxAgency, wanted: PostingPause) -> UUID:
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    pause_id, done = lea.act(pauses.start_pause, wanted, seen=shown.seen_versions)
    assert (done.moved, done.out) == (shown.moving, shown.out)
    lea.run()
    return UUID(str(pause_id))


def instants(lea: SandboxAgency, post_id: UUID) -> list[datetime]:
    return [
        row.due_at for row in list_deliveries(lea, post_id) if row.state != DeliveryState.CANCELLED
    ]


def reasons(lea: SandboxAgency, post_id: UUID) -> Counter[str]:
    return Counter(
        str((row.reason or {}).get("code"))
        for row in list_deliveries(lea, post_id)
        if row.state == DeliveryState.CANCELLED
    )


def test_pause_skips_occurrences_without_duplicates(lea: SandboxAgency) -> None:
    """Moved by the length of the pause, occurrences of a daily series coincided with later ones:
    the same text was published twice."""
    post_id = daily(lea)
    before = instants(lea, post_id)
    wanted = pause_of(lea, 3, 5)
    shown: MovePreview = lea.act(pauses.preview_pause, wanted)
    assert [one.at.day for one in shown.out] == [day(lea, ahead) for ahead in (3, 4, 5)]
    assert (shown.moving, shown.left) == ((), ())
    pause_id = begun(lea, wanted)
    assert instants(lea, post_id) == [
        at for at in before if not day(lea, 3) <= at.date() <= day(lea, 5)
    ]
    assert reasons(lea, post_id) == {"series.quiet": 3}
    assert lea.notices() == {f"pause:{pause_id}": "pause.told"}
    ours = instants(lea, post_id)
    lea.live(days=8)
    assert len(lea.texts()) == sum(at <= lea.now() for at in ours)


def test_cancelled_pause_restores_occurrences_with_approval(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    pause_id = begun(lea, pause_of(lea, 3, 5))
    lea.act(pauses.cancel_pause, pause_id)
    lea.run()
    assert instants(lea, post_id) == before
    assert {
        row.state for row in list_deliveries(lea, post_id) if row.state != DeliveryState.CANCELLED
    } == {DeliveryState.SCHEDULED}
    keys = [
        row.occurrence_key
        for row in list_deliveries(lea, post_id)
        if row.state != DeliveryState.CANCELLED
    ]
    assert keys == sorted(set(keys))
    again = begun(lea, pause_of(lea, 4, 4))  # skipping and restoring can be repeated
    lea.act(pauses.cancel_pause, again)
    lea.run()
    assert instants(lea, post_id) == before


def by_hand(lea: SandboxAgency, post_id: UUID, ahead: int, to: int, hour: int) -> None:
    """Reschedule the occurrence of one day to another day and hour."""
    known = str(day(lea, ahead))
    (one,) = [
        r
        for r in list_deliveries(lea, post_id)
        if r.occurrence_key.startswith(known) and r.state != DeliveryState.CANCELLED
    ]
    lea.act(reschedule_delivery, one.id, at=WallTime(day(lea, to), time(hour), ZONE))


def test_rescheduled_occurrence_is_restored_at_its_new_time(lea: SandboxAgency) -> None:
    """It was restored at the time of the rule, which was no longer wanted. Found by the simulated
    year."""
    post_id = daily(lea)
    by_hand(lea, post_id, 3, 3, 18)
    before = instants(lea, post_id)
    for _ in range(2):
        pause_id = begun(lea, pause_of(lea, 3, 5))
        assert reasons(lea, post_id)["series.quiet"] > 0
        lea.act(pauses.cancel_pause, pause_id)
        lea.run()
        assert instants(lea, post_id) == before
    lea.live(days=6)
    assert len(lea.texts()) == sum(at <= lea.now() for at in before)


def test_occurrence_moved_into_pause_is_not_published_on_old_date(
    lea: SandboxAgency,
) -> None:
    post_id = daily(lea)
    by_hand(lea, post_id, 2, 4, 18)
    before = instants(lea, post_id)
    pause_id = begun(lea, pause_of(lea, 4, 5))
    assert [at for at in instants(lea, post_id) if at.date() == day(lea, 2)] == []
    lea.act(pauses.cancel_pause, pause_id)
    lea.run()
    assert instants(lea, post_id) == before


def test_occurrence_moved_back_is_restored_by_its_rule(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    by_hand(lea, post_id, 3, 3, 18)
    lea.act(pauses.cancel_pause, begun(lea, pause_of(lea, 3, 3)))
    lea.run()
    by_hand(lea, post_id, 3, 3, 12)
    lea.act(pauses.cancel_pause, begun(lea, pause_of(lea, 3, 3)))
    lea.run()
    assert instants(lea, post_id) == before


def test_rescheduled_occurrence_with_past_time_is_not_restored(
    lea: SandboxAgency,
) -> None:
    post_id = daily(lea)
    (series_id,) = {row.series_id for row in list_deliveries(lea, post_id)}
    by_hand(lea, post_id, 4, 4, 9)
    by_hand(lea, post_id, 5, 5, 18)
    before, gone = instants(lea, post_id), (day(lea, 4), day(lea, 5))
    until = datetime.combine(
        day(lea, 4), time(10), UTC
    )  # after the rescheduled time, before the time of the rule
    pause_id = begun(lea, pause_of(lea, 3, 6))
    lea.act(series.skip_occurrence, series_id, day(lea, 5))
    lea.live(seconds=(until - lea.now()).total_seconds())
    lea.act(pauses.end_pause, pause_id)
    lea.run()
    ahead = [at for at in before if at > until and at.date() not in gone]
    assert [at for at in instants(lea, post_id) if at > until][: len(ahead)] == ahead


def test_ended_pause_resumes_series_at_once(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    pause_id = begun(lea, pause_of(lea, 0, 9))
    assert instants(lea, post_id)[0].date() == day(lea, 10)
    lea.live(days=4, hours=1)
    lea.act(pauses.end_pause, pause_id)
    lea.run()
    assert instants(lea, post_id)[:3] == [at for at in before if at > lea.now()][:3]


def test_pause_of_one_account_keeps_series_on_others(lea: SandboxAgency) -> None:
    lea.connect("second")
    post_id = daily(lea, "main", "second")
    begun(lea, pause_of(lea, 3, 3, channel="main"))
    there = [
        row.channel_id
        for row in list_deliveries(lea, post_id)
        if row.due_at.date() == day(lea, 3) and row.state != DeliveryState.CANCELLED
    ]
    assert there == [lea.channels["second"]]
    with lea.scope() as scope:
        (found,) = queries.series_of_post_views(scope, post_id)
    assert day(lea, 3) in [wall.day for wall in found.coming]


def test_pause_preview_reports_series_without_remaining_dates(lea: SandboxAgency) -> None:
    post_id = daily(lea, rule=RecurrenceRule(RecurrenceUnit.DAY, 3), first=2)
    shown: MovePreview = lea.act(pauses.preview_pause, pause_of(lea, 2, 4))
    assert {one.why.code for one in shown.out} == {"pause.series_over"}
    begun(lea, pause_of(lea, 2, 4))
    assert list_active_dates(lea, post_id) == []
    other = daily(lea, hour=20, rule=RecurrenceRule(RecurrenceUnit.DAY, 3), first=12)
    shown = lea.act(pauses.preview_pause, pause_of(lea, 12, 13))
    assert {one.why.code for one in shown.out} == {"series.quiet"}
    assert len(list_active_dates(lea, other)) == 3


def test_queue_skips_slot_taken_by_series(lea: SandboxAgency) -> None:
    """An occurrence of a series at the time of a slot stays, and the queue skips that slot."""
    every_day(lea, time(10))
    filled(lea, *"abc")
    at = queue(lea)[1].at
    post_id = start_series(lea, Recurrence(WEEKLY, at.day + timedelta(days=2), time(10), at.zone))
    lea.run()
    approve_and_release(lea, post_id)
    before = instants(lea, post_id)
    wanted = PostingPause(lea.creator_id, None, at.day, at.day, at.zone, "x")
    begun(lea, wanted)
    assert instants(lea, post_id) == before
    taken = [one.at.instant() for one in queue(lea) if one.post_id != post_id]
    assert len(set(taken)) == 3
    assert not set(taken) & set(before)


def chosen(lea: SandboxAgency, first: int, last: int) -> MoveSelection:
    return MoveSelection(
        lea.creator_id,
        None,
        day_bounds(day(lea, first), ZONE)[0],
        day_bounds(day(lea, last), ZONE)[1],
    )


def shifted(lea: SandboxAgency, what: MoveSelection, by: TimeOffset) -> MovePreview:
    shown: MovePreview = lea.act(bulk_moves.preview_bulk_move, what, by)
    done = lea.act(bulk_moves.move_deliveries, what, by, seen=shown.seen_versions)
    assert done.left == shown.left
    return shown


def test_bulk_move_keeps_occurrences_of_series_apart(lea: SandboxAgency) -> None:
    """The occurrence of day 3 stays because that of day 4 has its target time, and so on for day 2."""
    post_id = daily(lea)
    single = lea.delivery("on its own", after=24 * 3600)
    before = instants(lea, post_id)
    shown = shifted(lea, chosen(lea, 1, 3), TimeOffset(days=1))
    assert {one.why.code for one in shown.left} == {"shift.series_close"}
    assert len(shown.left) == 3
    assert [one.delivery_id for one in shown.moving] == [single]
    assert instants(lea, post_id) == before


def test_bulk_move_by_hours_respects_minimum_distance(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    assert len(shifted(lea, chosen(lea, 3, 3), TimeOffset(minutes=19 * 60)).left) == 1
    assert instants(lea, post_id) == before
    assert shifted(lea, chosen(lea, 3, 3), TimeOffset(minutes=18 * 60)).left == ()
    times = instants(lea, post_id)
    assert min(two - one for one, two in pairwise(times)) == timedelta(hours=6)


def test_bulk_move_respects_future_occurrences(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    last = instants(lea, post_id)[-1]
    here = MoveSelection(lea.creator_id, None, last, last + timedelta(minutes=1))
    assert [one.why.code for one in shifted(lea, here, TimeOffset(days=1)).left] == [
        "shift.series_close"
    ]
    lea.pass_time(days=3)
    lea.run()
    times = instants(lea, post_id)
    assert len(times) == len(set(times))


def test_finite_series_moves_as_a_whole_and_back(lea: SandboxAgency) -> None:
    post_id = daily(lea, rule=RecurrenceRule(RecurrenceUnit.DAY, 5))
    before = instants(lea, post_id)
    what = chosen(lea, 0, 20)
    shown: MovePreview = lea.act(bulk_moves.preview_bulk_move, what, TimeOffset(days=1))
    done = lea.act(bulk_moves.move_deliveries, what, TimeOffset(days=1), seen=shown.seen_versions)
    assert (len(done.moved), done.left) == (5, ())
    assert instants(lea, post_id) == [at + timedelta(days=1) for at in before]
    assert lea.act(bulk_moves.undo_bulk_move, done.shift_id).left == ()
    assert instants(lea, post_id) == before


def test_occurrence_dropped_next_to_another_is_refused(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    one = list_deliveries(lea, post_id)[2]
    with pytest.raises(Conflict) as told:
        lea.act(
            drag_and_drop.drop_deliveries,
            {one.id: one.version},
            DropTarget(day(lea, 4), None, ZONE),
        )
    assert told.value.message.code == "shift.series_close"


# Quiet days and hours


def keep(lea: SandboxAgency, first: int, last: int) -> UUID:
    kept = lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="Noël",
        zone=ZONE,
        first=day(lea, first),
        last=day(lea, last),
    )
    lea.run()
    return UUID(str(kept.id))


def test_later_quiet_days_skip_occurrences_with_notice(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    by_hand = list_deliveries(lea, post_id)[0]
    at = WallTime(day(lea, 4), time(20), ZONE)
    lea.act(reschedule_delivery, by_hand.id, at=at)
    single = lea.delivery("by hand", after=4 * 24 * 3600)
    quiet_id = keep(lea, 4, 5)
    assert reasons(lea, post_id) == {"series.quiet": 2}
    assert lea.state(by_hand.id) is DeliveryState.SCHEDULED, (
        "a member chose that time despite a warning"
    )
    assert lea.state(single) is DeliveryState.SCHEDULED
    assert [code for cause, code in lea.notices().items() if cause.startswith("series:")] == [
        "series.gave_way"
    ]
    with lea.scope() as scope:
        (found,) = queries.series_of_post_views(scope, post_id)
    assert [(wall.day, label) for wall, label in found.quiet] == [
        (day(lea, 4), "Noël"),
        (day(lea, 5), "Noël"),
    ]
    assert not {wall.day for wall in found.coming} & {day(lea, 4), day(lea, 5)}
    lea.act(quiet_periods.delete_quiet_period, quiet_id)
    lea.run()
    assert sorted(instants(lea, post_id)) == sorted([*before[1:], at.instant()])
    assert not [cause for cause in lea.notices() if cause.startswith("series:")], (
        "all occurrences are scheduled again"
    )


def test_notice_of_skipped_occurrences_stays_until_all_are_restored(lea: SandboxAgency) -> None:
    daily(lea)
    first, second = keep(lea, 4, 4), keep(lea, 6, 6)
    lea.act(quiet_periods.delete_quiet_period, first)
    lea.run()
    assert "series.gave_way" in lea.notices().values()
    lea.act(quiet_periods.delete_quiet_period, second)
    lea.run()
    assert "series.gave_way" not in lea.notices().values()


def test_new_occurrences_skip_quiet_days(lea: SandboxAgency) -> None:
    keep(lea, 91, 92)
    post_id = daily(lea)
    lea.pass_time(days=6)
    lea.run()
    made = {row.wall_time[:10] for row in list_deliveries(lea, post_id)}
    assert str(day(lea, 91 - 6 + 2)) in made
    assert not {str(day(lea, 91 - 6)), str(day(lea, 92 - 6))} & made


def test_always_quiet_series_is_refused(lea: SandboxAgency) -> None:
    hours = {"label": "nuit", "zone": ZONE, "weekday": None, "start": time(22), "end": time(8)}
    lea.act(quiet_periods.add_quiet_hours, lea.creator_id, lea.channels["main"], **hours)
    with pytest.raises(BadInput) as told:
        start_series(lea, Recurrence(DAILY, day(lea, 1), time(23), ZONE))
    assert told.value.message.code == "series.all_quiet"
    lea.connect("second")
    post_id = start_series(lea, Recurrence(DAILY, day(lea, 1), time(23), ZONE), "main", "second")
    lea.run()
    assert {row.channel_id for row in list_deliveries(lea, post_id)} == {lea.channels["second"]}


def test_first_occurrence_is_after_quiet_days(lea: SandboxAgency) -> None:
    keep(lea, 1, 3)
    with lea.scope(f"member:{lea.author}") as scope:
        wanted = Recurrence(DAILY, day(lea, 1), time(12), ZONE)
        planned = series.plan_series(
            scope,
            build_draft(lea),
            wanted,
            key=uuid7(),
            author=f"member:{lea.author}",
            confirmed=True,
        )
    assert planned.at.day == day(lea, 4)
    assert list_active_dates(lea, planned.post_id) == [str(day(lea, 4))]


def test_claimed_occurrence_is_not_skipped(lea: SandboxAgency) -> None:
    """The post was claimed before the holiday was added: it is published once and not skipped."""
    post_id = daily(lea)
    first = list_deliveries(lea, post_id)[0]
    lea.pass_time(seconds=(first.due_at - lea.now()).total_seconds() + 1)
    with lea.scope() as scope:
        claims.claim_delivery(
            scope, first.id, mint=lea.services.mint, connectors=lea.services.connectors
        )
    keep(lea, 0, 1)
    assert lea.state(first.id) is DeliveryState.PUBLISHING
    lea.live(minutes=3)
    assert lea.state(first.id) in (
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
        DeliveryState.UNCERTAIN,
    )


def test_skipping_survives_crash(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    first, last = day(lea, 3), day(lea, 4)
    kept = {at for at in instants(lea, post_id) if not first <= at.date() <= last}
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="Noël",
        zone=ZONE,
        first=first,
        last=last,
    )
    at = 0
    while lea.crash(at):
        at += 1
    assert reasons(lea, post_id) == {"series.quiet": 2}
    times = instants(lea, post_id)
    assert len(times) == len(set(times))
    assert set(times) >= kept
