"""What repeats gives way: left out of days without posts and of pauses, never brought next to its
own next time."""

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
    """A series that begins so many days ahead, made and approved."""
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


def test_a_pause_leaves_out_what_repeats_and_doubles_nothing(lea: SandboxAgency) -> None:
    """Moved later by the pause's length, a daily one stood where its own next one stood: the same
    text, twice."""
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


def test_a_pause_that_is_called_off_brings_them_back_with_their_yes(lea: SandboxAgency) -> None:
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
    again = begun(
        lea, pause_of(lea, 4, 4)
    )  # and it may be left out, and come back, as often as they like
    lea.act(pauses.cancel_pause, again)
    lea.run()
    assert instants(lea, post_id) == before


def by_hand(lea: SandboxAgency, post_id: UUID, ahead: int, to: int, hour: int) -> None:
    """The time of one day is moved to another."""
    known = str(day(lea, ahead))
    (one,) = [
        r
        for r in list_deliveries(lea, post_id)
        if r.occurrence_key.startswith(known) and r.state != DeliveryState.CANCELLED
    ]
    lea.act(reschedule_delivery, one.id, at=WallTime(day(lea, to), time(hour), ZONE))


def test_what_was_moved_by_hand_comes_back_where_it_was_moved_to(lea: SandboxAgency) -> None:
    """It came back at its rule's time, which nobody asked for any more (found by a simulated
    year)."""
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


def test_what_was_moved_into_a_pause_does_not_leave_on_the_day_it_was_moved_from(
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


def test_what_was_moved_back_by_hand_comes_back_by_its_rule(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    by_hand(lea, post_id, 3, 3, 18)
    lea.act(pauses.cancel_pause, begun(lea, pause_of(lea, 3, 3)))
    lea.run()
    by_hand(lea, post_id, 3, 3, 12)
    lea.act(pauses.cancel_pause, begun(lea, pause_of(lea, 3, 3)))
    lea.run()
    assert instants(lea, post_id) == before


def test_what_was_moved_by_hand_stays_away_once_its_date_or_its_time_is_gone(
    lea: SandboxAgency,
) -> None:
    post_id = daily(lea)
    (series_id,) = {row.series_id for row in list_deliveries(lea, post_id)}
    by_hand(lea, post_id, 4, 4, 9)
    by_hand(lea, post_id, 5, 5, 18)
    before, gone = instants(lea, post_id), (day(lea, 4), day(lea, 5))
    until = datetime.combine(
        day(lea, 4), time(10), UTC
    )  # past the time by hand, before that of the rule
    pause_id = begun(lea, pause_of(lea, 3, 6))
    lea.act(series.skip_occurrence, series_id, day(lea, 5))
    lea.live(seconds=(until - lea.now()).total_seconds())
    lea.act(pauses.end_pause, pause_id)
    lea.run()
    ahead = [at for at in before if at > until and at.date() not in gone]
    assert [at for at in instants(lea, post_id) if at > until][: len(ahead)] == ahead


def test_who_comes_back_early_posts_again_at_once(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    pause_id = begun(lea, pause_of(lea, 0, 9))
    assert instants(lea, post_id)[0].date() == day(lea, 10)
    lea.live(days=4, hours=1)
    lea.act(pauses.end_pause, pause_id)
    lea.run()
    assert instants(lea, post_id)[:3] == [at for at in before if at > lea.now()][:3]


def test_a_pause_of_one_account_leaves_the_series_on_the_others(lea: SandboxAgency) -> None:
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


def test_a_series_of_which_a_pause_leaves_nothing_is_said_before(lea: SandboxAgency) -> None:
    post_id = daily(lea, rule=RecurrenceRule(RecurrenceUnit.DAY, 3), first=2)
    shown: MovePreview = lea.act(pauses.preview_pause, pause_of(lea, 2, 4))
    assert {one.why.code for one in shown.out} == {"pause.series_over"}
    begun(lea, pause_of(lea, 2, 4))
    assert list_active_dates(lea, post_id) == []
    other = daily(lea, hour=20, rule=RecurrenceRule(RecurrenceUnit.DAY, 3), first=12)
    shown = lea.act(pauses.preview_pause, pause_of(lea, 12, 13))
    assert {one.why.code for one in shown.out} == {"series.quiet"}
    assert len(list_active_dates(lea, other)) == 3


def test_a_queue_goes_on_around_what_repeats(lea: SandboxAgency) -> None:
    """A time of a series that stands at a slot stays there: the queue is laid around it."""
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


def test_a_shift_never_brings_two_of_a_series_together(lea: SandboxAgency) -> None:
    """The third day's stays, for the fourth day's stands where it would go; so the second's stays
    for the third's."""
    post_id = daily(lea)
    single = lea.delivery("on its own", after=24 * 3600)
    before = instants(lea, post_id)
    shown = shifted(lea, chosen(lea, 1, 3), TimeOffset(days=1))
    assert {one.why.code for one in shown.left} == {"shift.series_close"}
    assert len(shown.left) == 3
    assert [one.delivery_id for one in shown.moving] == [single]
    assert instants(lea, post_id) == before


def test_a_shift_by_hours_keeps_the_least_distance(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    assert len(shifted(lea, chosen(lea, 3, 3), TimeOffset(minutes=19 * 60)).left) == 1
    assert instants(lea, post_id) == before
    assert shifted(lea, chosen(lea, 3, 3), TimeOffset(minutes=18 * 60)).left == ()
    times = instants(lea, post_id)
    assert min(two - one for one, two in pairwise(times)) == timedelta(hours=6)


def test_what_the_rule_will_yet_make_is_in_the_way_too(lea: SandboxAgency) -> None:
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


def test_all_of_a_series_that_ends_moves_together_and_comes_back(lea: SandboxAgency) -> None:
    post_id = daily(lea, rule=RecurrenceRule(RecurrenceUnit.DAY, 5))
    before = instants(lea, post_id)
    what = chosen(lea, 0, 20)
    shown: MovePreview = lea.act(bulk_moves.preview_bulk_move, what, TimeOffset(days=1))
    done = lea.act(bulk_moves.move_deliveries, what, TimeOffset(days=1), seen=shown.seen_versions)
    assert (len(done.moved), done.left) == (5, ())
    assert instants(lea, post_id) == [at + timedelta(days=1) for at in before]
    assert lea.act(bulk_moves.undo_bulk_move, done.shift_id).left == ()
    assert instants(lea, post_id) == before


def test_one_that_is_dragged_onto_the_next_is_refused_in_words(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    one = list_deliveries(lea, post_id)[2]
    with pytest.raises(Conflict) as told:
        lea.act(
            drag_and_drop.drop_deliveries,
            {one.id: one.version},
            DropTarget(day(lea, 4), None, ZONE),
        )
    assert told.value.message.code == "shift.series_close"


# days and hours without posts


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


def test_a_holiday_kept_later_leaves_out_what_repeats_and_says_so(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    before = instants(lea, post_id)
    by_hand = list_deliveries(lea, post_id)[0]
    at = WallTime(day(lea, 4), time(20), ZONE)
    lea.act(reschedule_delivery, by_hand.id, at=at)
    single = lea.delivery("by hand", after=4 * 24 * 3600)
    quiet_id = keep(lea, 4, 5)
    assert reasons(lea, post_id) == {"series.quiet": 2}
    assert lea.state(by_hand.id) is DeliveryState.SCHEDULED, (
        "a person gave it that hour, and was warned"
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
        "all of them leave again"
    )


def test_the_notice_of_what_gave_way_stays_while_some_of_it_does(lea: SandboxAgency) -> None:
    daily(lea)
    first, second = keep(lea, 4, 4), keep(lea, 6, 6)
    lea.act(quiet_periods.delete_quiet_period, first)
    lea.run()
    assert "series.gave_way" in lea.notices().values()
    lea.act(quiet_periods.delete_quiet_period, second)
    lea.run()
    assert "series.gave_way" not in lea.notices().values()


def test_what_is_made_later_gives_way_as_well(lea: SandboxAgency) -> None:
    keep(lea, 91, 92)
    post_id = daily(lea)
    lea.pass_time(days=6)
    lea.run()
    made = {row.wall_time[:10] for row in list_deliveries(lea, post_id)}
    assert str(day(lea, 91 - 6 + 2)) in made
    assert not {str(day(lea, 91 - 6)), str(day(lea, 92 - 6))} & made


def test_a_series_that_would_never_leave_is_not_begun(lea: SandboxAgency) -> None:
    hours = {"label": "nuit", "zone": ZONE, "weekday": None, "start": time(22), "end": time(8)}
    lea.act(quiet_periods.add_quiet_hours, lea.creator_id, lea.channels["main"], **hours)
    with pytest.raises(BadInput) as told:
        start_series(lea, Recurrence(DAILY, day(lea, 1), time(23), ZONE))
    assert told.value.message.code == "series.all_quiet"
    lea.connect("second")
    post_id = start_series(lea, Recurrence(DAILY, day(lea, 1), time(23), ZONE), "main", "second")
    lea.run()
    assert {row.channel_id for row in list_deliveries(lea, post_id)} == {lea.channels["second"]}


def test_the_first_time_of_a_series_is_the_first_that_leaves(lea: SandboxAgency) -> None:
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


def test_one_on_its_way_is_not_left_out(lea: SandboxAgency) -> None:
    """Its hour came before the holiday was kept: it leaves once, and nothing is left out in
    vain."""
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


def test_leaving_out_killed_half_way_is_done_once(lea: SandboxAgency) -> None:
    post_id = daily(lea)
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="Noël",
        zone=ZONE,
        first=day(lea, 3),
        last=day(lea, 4),
    )
    at = 0
    while lea.crash(at):
        at += 1
    assert reasons(lea, post_id) == {"series.quiet": 2}
    times = instants(lea, post_id)
    assert len(times) == len(set(times)) == 88
