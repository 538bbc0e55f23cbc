"""Slots: one place per local date in every time zone, a stable jitter, and one delivery per place."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.accounts import queries as account_reads
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.wall_time import WallTime, local_day
from schedules.approvals.time_changes import reschedule_delivery
from schedules.availability import minimum_interval, quiet_periods, slots
from schedules.availability.quiet_periods import QuietPeriod
from schedules.availability.slots import Slot, SlotPlace, find_first_free_time
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.rescheduling import queue as queueing
from tests.foundation.ops.test_wall_time import ZONES
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wall_time_after

HOURS = st.times().map(lambda clock: clock.replace(second=0, microsecond=0, fold=0))
STARTS = st.datetimes(datetime(2024, 1, 1), datetime(2033, 1, 1)).map(  # noqa: DTZ001  naive on purpose
    lambda naive: naive.replace(tzinfo=UTC)
)


def slot(**given: Any) -> Slot:
    values = {"weekday": 0, "clock": time(10), "zone": ZONE, "jitter": 0, "label": "", **given}
    return Slot(uuid7(), uuid7(), uuid7(), **values, drawn_as=uuid7())


def every_day(lea: SandboxAgency, *clocks: time, channel: str = "main", zone: str = ZONE) -> None:
    """Add slots of a channel on each day of the week."""
    with lea.scope() as scope:
        for weekday in range(7):
            for clock in clocks:
                slots.add_slot(
                    scope, lea.channels[channel], weekday=weekday, clock=clock, zone=zone
                )


@settings(deadline=None)  # a year of places takes long on a busy machine
@given(st.sampled_from(ZONES), st.integers(0, 6), HOURS, st.integers(0, 120), STARTS)
def test_slot_occurs_once_per_local_date(
    zone: str, weekday: int, clock: time, jitter: int, start: datetime
) -> None:
    """Over a year with its clock changes, no date is missing or repeated, and instants only
    increase."""
    one = slot(zone=zone, weekday=weekday, clock=clock, jitter=jitter)
    found = list(slots.iterate_places([one], start))
    days = [place.day for place in found]
    assert all(day.weekday() == weekday for day in days)
    assert all(later - earlier == timedelta(days=7) for earlier, later in pairwise(days))
    assert 0 <= (days[0] - local_day(start, zone)).days <= 7
    assert local_day(start, zone) + slots.HORIZON - days[-1] < timedelta(days=7)
    for place in found:
        assert place.wall_time == one.place_on(place.day), "the jitter is stable"
        assert place.wall_time.day == place.day, "never past midnight"
        assert (
            timedelta()
            <= _minutes(place.wall_time.clock) - _minutes(clock)
            <= timedelta(minutes=jitter)
        )


def test_open_places_of_all_accounts_equal_those_of_each(lea: SandboxAgency) -> None:
    lea.connect("second")
    every_day(lea, time(10), time(18, 30))
    every_day(lea, time(10, 1), channel="second", zone="America/New_York")
    lea.delivery("occupe une place", after=3600)
    with lea.scope() as scope:
        ids = [lea.channels[name] for name in ("main", "second")]
        channels = [account_reads.get_channel(scope, one) for one in ids]
        until = scope.now + timedelta(days=20)
        both = slots.list_free_places(scope, channels, until)
        for one in channels:
            single = slots.find_free_places(scope, one)
            assert both[one.id] == [
                place for place in islice(single, 60) if place.due_time <= until
            ]
            assert both[one.id]


def _minutes(clock: time) -> timedelta:
    return timedelta(hours=clock.hour, minutes=clock.minute)


def test_jitter_varies_by_date() -> None:
    one = slot(jitter=60)
    drawn = {one.place_on(date(2026, 1, 5) + timedelta(weeks=week)).clock for week in range(30)}
    assert len(drawn) > 10


@settings(deadline=None)
@given(
    STARTS,
    st.lists(st.tuples(st.integers(0, 6), HOURS), min_size=1, max_size=8, unique=True),
    st.integers(1, 600),
)
def test_free_places_respect_minimum_interval(
    start: datetime, hours: list[tuple[int, time]], minutes: int
) -> None:
    gap = timedelta(minutes=minutes)
    known = [slot(weekday=weekday, clock=clock) for weekday, clock in hours]
    taken = [start + timedelta(hours=30), start + timedelta(hours=50)]
    night = QuietPeriod(uuid7(), uuid7(), None, "night", ZONE, start=time(22), end=time(7))
    free = slots.filter_free_places(known, after=start, taken=taken, closed=[night], gap=gap)
    found = [one.due_time for one in islice(free, 60)]
    together = sorted([*found, *taken])
    assert all(
        later - earlier >= gap
        for earlier, later in pairwise(together)
        if not {earlier, later} <= set(taken)
    )  # fmt: skip  the two taken times may be closer
    assert not any(night.covers(at) for at in found)


@given(
    STARTS,
    st.lists(STARTS, max_size=8),
    st.integers(1, 300),
    st.timedeltas(timedelta(), timedelta(days=3)),
)
def test_nearest_free_time_has_room(
    now: datetime, taken: list[datetime], minutes: int, ahead: timedelta
) -> None:
    gap, taken = timedelta(minutes=minutes), sorted(taken)
    found = minimum_interval.nearest_free_time(now + ahead, taken, gap, now=now)
    if found is not None:
        assert found > now
        assert minimum_interval.has_room(taken, found, gap)
        if ahead and minimum_interval.has_room(taken, now + ahead, gap):
            assert found == now + ahead


@given(STARTS)
def test_quiet_night_extends_into_next_day(at: datetime) -> None:
    local = at.astimezone(UTC).time()
    night = QuietPeriod(uuid7(), uuid7(), None, "", "UTC", start=time(22), end=time(7))
    assert night.covers(at) == (local >= time(22) or local < time(7))
    friday = QuietPeriod(uuid7(), uuid7(), None, "", "UTC", weekday=4, start=time(22), end=time(7))
    begun = (at - timedelta(hours=7)).weekday() == 4
    assert friday.covers(at) == (begun and night.covers(at))


def test_concurrent_queueing_takes_distinct_slots(lea: SandboxAgency) -> None:
    every_day(lea, time(10), time(18))
    posts = [lea.write(f"post {number}") for number in range(8)]

    def queue(post_id: UUID) -> WallTime:
        with lea.scope() as scope:
            return queueing.add_post_to_queue(scope, post_id, lea.channels["main"])

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(queue, posts))
    assert len(set(taken)) == len(posts)
    with lea.scope() as scope:
        assert [
            one.at for one in queueing.list_queue_entries(scope, lea.channels["main"])
        ] == sorted(taken, key=WallTime.instant)


def test_database_gives_place_to_one_delivery(lea: SandboxAgency) -> None:
    """Without the lock of the queue, the second transaction waits for the first and gets False."""
    every_day(lea, time(10))
    first, second = (lea.wish(lea.write(body), after=9000) for body in ("a", "b"))
    with lea.scope() as scope:
        place = next(
            iter(slots.iterate_places(slots.list_slots(scope, lea.channels["main"]), scope.now))
        )
        for delivery_id in (first, second):
            reschedule_delivery(scope, delivery_id, at=place.wall_time)
    begun, told = threading.Event(), []

    def other() -> None:
        with lea.scope() as scope:
            begun.set()
            told.append(slots.take_place(scope, place, second))

    with ThreadPoolExecutor(1) as pool:
        with lea.scope() as scope:
            assert slots.take_place(scope, place, first)
            waiting = pool.submit(other)
            assert begun.wait(60)
        waiting.result(20)
    assert told == [False]


def test_slot_of_moved_or_cancelled_post_is_free_again(lea: SandboxAgency) -> None:
    """Rescheduling or cancelling a delivery frees its slot; no call to the queue is needed."""
    every_day(lea, time(10))
    channel = lea.channels["main"]
    posts = [lea.write(f"post {number}") for number in range(3)]
    times = [lea.act(queueing.add_post_to_queue, post_id, channel) for post_id in posts]
    with lea.scope() as scope:
        known = queueing.list_queue_entries(scope, channel)
    lea.act(deliveries.cancel_delivery, known[0].delivery_id)
    assert lea.act(find_first_free_time, channel) == times[0]
    lea.act(reschedule_delivery, known[1].delivery_id, at=wall_time_after(lea.now(), 86400 * 30))
    assert lea.act(queueing.add_post_to_queue, lea.write("new"), channel) == times[0]
    assert lea.act(queueing.add_post_to_queue, lea.write("newer"), channel) == times[1]
    with lea.scope() as scope:
        assert [one.words for one in queueing.list_queue_entries(scope, channel)] == [
            "new",
            "newer",
            "post 2",
        ]


def test_queueing_same_post_twice_changes_nothing(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    post_id, channel = lea.write(), lea.channels["main"]
    assert lea.act(queueing.add_post_to_queue, post_id, channel) == lea.act(
        queueing.add_post_to_queue, post_id, channel
    )
    with lea.scope() as scope:
        assert len(queueing.list_queue_entries(scope, channel)) == 1


def test_slots_skip_quiet_days_and_near_posts(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    channel, today = lea.channels["main"], local_day(lea.now(), ZONE)
    last = today + timedelta(days=9)
    holiday = {"label": "vacances", "zone": ZONE, "first": today, "last": last}
    lea.act(quiet_periods.add_quiet_days, lea.creator_id, None, **holiday)
    assert lea.act(find_first_free_time, channel).day == last + timedelta(days=1)
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 7200 WHERE tenant_id = :t", t=lea.tenant_id
        )
    near = lea.wish(lea.write("by hand"))
    lea.act(reschedule_delivery, near, at=WallTime(last + timedelta(days=1), time(11, 30), ZONE))
    assert lea.act(find_first_free_time, channel).day == last + timedelta(days=2)


def test_manual_reschedule_is_warned_and_not_moved(lea: SandboxAgency) -> None:
    channel = lea.channels["main"]
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = 3600 WHERE tenant_id = :t", t=lea.tenant_id
        )
    day = local_day(lea.now(), ZONE) + timedelta(days=3)
    first, second = (lea.wish(lea.write(words)) for words in ("first", "second"))
    lea.act(reschedule_delivery, first, at=WallTime(day, time(10), ZONE))
    near = WallTime(day, time(10, 20), ZONE)
    lea.act(reschedule_delivery, second, at=near)
    assert lea.entry(second).wall_time == str(near)
    told = lea.act(minimum_interval.find_interval_warning, channel, near.instant(), but=second)
    assert (told.words, told.instead) == ("first", WallTime(day, time(11), ZONE))
    assert (
        lea.act(
            minimum_interval.find_interval_warning,
            channel,
            WallTime(day, time(11), ZONE).instant(),
            but=second,
        )
        is None
    )
    hours = {"label": "nuit", "zone": ZONE, "weekday": None, "start": time(22), "end": time(8)}
    lea.act(quiet_periods.add_quiet_hours, lea.creator_id, channel, **hours)
    told = lea.act(
        minimum_interval.find_interval_warning, channel, WallTime(day, time(23), ZONE).instant()
    )
    assert (told.at, told.quiet.label, told.instead) == (
        None,
        "nuit",
        WallTime(day, time(21, 45), ZONE),
    )


def test_interval_warning_suggests_first_day_after_quiet_days(lea: SandboxAgency) -> None:
    channel, day = lea.channels["main"], local_day(lea.now(), ZONE) + timedelta(days=3)
    for first, last in ((0, 9), (10, 12)):
        days = {
            "label": "mer",
            "zone": ZONE,
            "first": day + timedelta(first),
            "last": day + timedelta(last),
        }
        lea.act(quiet_periods.add_quiet_days, lea.creator_id, None, **days)
    at = WallTime(day + timedelta(days=4), time(10), ZONE)
    told = lea.act(minimum_interval.find_interval_warning, channel, at.instant())
    assert (told.quiet.label, told.instead) == (
        "mer",
        WallTime(day + timedelta(days=13), time(10), ZONE),
    )


def test_interval_warning_suggests_same_hour_after_quiet_day(lea: SandboxAgency) -> None:
    """Midnight would be nearer, but a member who chose an evening does not want midnight."""
    first = local_day(lea.now(), ZONE) + timedelta(days=2)
    lea.act(
        quiet_periods.add_quiet_days,
        lea.creator_id,
        None,
        label="Lundi",
        zone=ZONE,
        first=first,
        last=first,
    )
    asked = WallTime(first, time(18, 30), ZONE)
    near = lea.act(minimum_interval.find_interval_warning, lea.channels["main"], asked.instant())
    assert near.quiet is not None
    assert near.instead == WallTime(first + timedelta(days=1), time(18, 30), ZONE)


def test_invalid_slot_is_refused(lea: SandboxAgency) -> None:
    channel = lea.channels["main"]
    hour = {"weekday": 2, "clock": time(9), "zone": ZONE}
    lea.act(slots.add_slot, channel, **hour)
    with pytest.raises(Conflict):
        lea.act(slots.add_slot, channel, **hour)
    wrong = {"weekday": 7}, {"jitter": 121}, {"jitter": -1}, {"zone": "Mars/Base"}
    for one in wrong:
        with pytest.raises(BadInput):
            lea.act(slots.add_slot, channel, **{**hour, "clock": time(8), **one})
    with pytest.raises(NotFound):
        lea.act(slots.add_slot, uuid7(), **hour)
    with pytest.raises(BadInput):
        lea.act(
            quiet_periods.add_quiet_hours,
            lea.creator_id,
            None,
            label="",
            zone=ZONE,
            weekday=None,
            start=time(9),
            end=time(9),
        )
    today = local_day(lea.now(), ZONE)
    for days in ((1, 0), (-9, -8), (0, 400)):
        first, last = (today + timedelta(days=number) for number in days)
        with pytest.raises(BadInput):
            lea.act(
                quiet_periods.add_quiet_days,
                lea.creator_id,
                None,
                label="",
                zone=ZONE,
                first=first,
                last=last,
            )


def test_queueing_on_account_without_slots_is_refused(lea: SandboxAgency) -> None:
    assert lea.act(find_first_free_time, lea.channels["main"]) is None
    with pytest.raises(BadInput) as told:
        lea.act(queueing.add_post_to_queue, lea.write(), lea.channels["main"])
    assert told.value.message.code == "queue.no_slots"


def test_removed_slot_keeps_scheduled_time_of_its_post(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    channel = lea.channels["main"]
    at = lea.act(queueing.add_post_to_queue, lea.write(), channel)
    with lea.scope() as scope:
        entry = queueing.list_queue_entries(scope, channel)[0]
        gone = next(
            one for one in slots.list_slots(scope, channel) if one.weekday == at.day.weekday()
        )
        slots.remove_slot(scope, gone.id)
    with lea.scope() as scope:
        assert queueing.list_queue_entries(scope, channel) == []
        assert gone.id not in {one.id for one in slots.list_slots(scope, channel)}
    assert (lea.state(entry.delivery_id), lea.entry(entry.delivery_id).wall_time) == (
        DeliveryState.DRAFT,
        str(at),
    )
    with pytest.raises(NotFound):
        lea.act(slots.remove_slot, gone.id)


def test_slots_are_invisible_to_another_tenant(lea: SandboxAgency) -> None:
    every_day(lea, time(10))
    other = create_sandbox_agency(lea.services, lea.network)
    with lea.scope() as scope:
        mine = slots.list_slots(scope, lea.channels["main"])[0]
        quiet_id = quiet_periods.add_quiet_hours(
            scope,
            lea.creator_id,
            None,
            label="x",
            zone=ZONE,
            weekday=None,
            start=time(1),
            end=time(2),
        ).id
    post_id = other.write()
    for act in (
        lambda: other.act(slots.remove_slot, mine.id),
        lambda: other.act(quiet_periods.delete_quiet_period, quiet_id),
        lambda: other.act(
            slots.add_slot, lea.channels["main"], weekday=1, clock=time(8), zone=ZONE
        ),
        lambda: other.act(queueing.add_post_to_queue, post_id, lea.channels["main"]),
    ):
        with pytest.raises(NotFound):
            act()
    with other.scope() as scope:
        assert slots.list_slots(scope, lea.channels["main"]) == []
        assert quiet_periods.list_quiet_periods(scope, [lea.creator_id]) == []
        assert SlotPlace(mine, date(2026, 3, 2)).wall_time == mine.place_on(date(2026, 3, 2))
