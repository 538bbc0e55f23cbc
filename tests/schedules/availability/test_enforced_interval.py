"""The enforced minimum interval: waiting deliveries, their order, their times, and two senders at
once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schedules.approvals.time_changes import expedite_delivery
from schedules.availability import enforced_interval, minimum_interval
from schedules.availability.enforced_interval import WaitingDelivery, lay_out_turns
from schedules.calendar import publishing_forecast
from schedules.notices import interval_waits
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import post_removal
from schedules.rescheduling import priority
from tests.schedules.builders import SandboxAgency

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
PATIENT = timedelta(hours=5)
MINUTE = timedelta(minutes=1)

minutes = some.integers(0, 300).map(lambda number: BEGIN + number * MINUTE)


@some.composite
def waiting(draw: some.DrawFn) -> WaitingDelivery:
    due = draw(minutes)
    start = due + draw(some.integers(0, 30)) * MINUTE
    late = draw(some.none() | some.integers(0, 120).map(lambda number: start + number * MINUTE))
    return WaitingDelivery(draw(some.uuids()), draw(some.integers(0, 9)), due, start, late)


def by_id(one: WaitingDelivery) -> UUID:
    return one.id


@given(
    some.lists(waiting(), max_size=25, unique_by=by_id),
    minutes,
    some.integers(1, 90).map(lambda n: n * MINUTE),
)
def test_turns_respect_interval_and_rank(
    posts: list[WaitingDelivery], free: datetime, gap: timedelta
) -> None:
    turns = lay_out_turns(posts, free=free, gap=gap)
    assert turns == lay_out_turns(reversed(posts), free=free, gap=gap), (
        "the order of the input does not matter"
    )
    left = sorted(at for at in turns.values() if at is not None)
    assert all(after - before >= gap for before, after in pairwise(left))
    assert turns.keys() == {one.id for one in posts}
    for one in posts:
        at = turns[one.id]
        if at is None:
            assert one.late_until is not None, "a delivery without a deadline has a time"
            continue
        assert at >= max(free, one.start)
        assert one.late_until is None or at <= one.late_until
        idle = at == max(free, one.start) or at - gap in left
        assert idle or any(other <= at < other + gap + MINUTE for other in left), (
            "no delivery waits without a reason"
        )
        for other in posts:
            later = turns[other.id]
            if later is not None and other.rank < one.rank and other.start <= at:
                assert later <= at, "the delivery with the highest rank publishes first"


def keep(lea: SandboxAgency, minutes: int, *, holds: bool = True, channel: str = "main") -> None:
    lea.act(
        interval_waits.set_minimum_interval, lea.channels[channel], minutes=minutes, holds=holds
    )


def left_at(lea: SandboxAgency, channel: str = "main") -> list[datetime]:
    return [datetime.fromisoformat(post["created_at"]) for post in lea.posts(channel)]


def apart(lea: SandboxAgency, gap: timedelta) -> bool:
    return all(after - before >= gap for before, after in pairwise(left_at(lea)))


def test_post_too_close_waits_with_reason_and_notice(lea: SandboxAgency) -> None:
    keep(lea, 30)
    first = lea.delivery("first", late_ok=PATIENT)
    second = lea.delivery("second", media=(lea.photo(),), after=1200, late_ok=PATIENT)
    lea.live(minutes=21)
    assert len(lea.attempts(second, "stage")) == 1, "its media is staged before its time"
    assert (lea.state(first), lea.state(second)) == (
        DeliveryState.PUBLISHED,
        DeliveryState.SCHEDULED,
    )
    entry = lea.entry(second)
    stood = lea.entry(first).settled_at
    assert stood is not None
    assert entry.not_before == stood + timedelta(minutes=30)
    assert lea.why(second) == enforced_interval.WAITS_FOR_INTERVAL
    assert [step.reason.code for step in lea.story(second) if step.reason is not None] == [
        enforced_interval.WAITS_FOR_INTERVAL
    ]
    assert lea.notices() == {f"apart:{lea.channels['main']}": "waiting.distance"}
    lea.live(minutes=12)
    assert lea.texts() == ["first", "second"]
    assert apart(lea, timedelta(minutes=30))
    lea.act(interval_waits.refresh_interval_notices)
    assert lea.notices() == {}


def test_post_without_room_is_held_only_if_interval_is_enforced(lea: SandboxAgency) -> None:
    keep(lea, 60)
    lea.delivery("first")
    second = lea.delivery("second", after=60)
    lea.live(minutes=2)
    assert (lea.state(second), lea.why(second)) == (
        DeliveryState.HELD,
        enforced_interval.TOO_LATE_FOR_INTERVAL,
    )
    keep(lea, 60, holds=False)
    third = lea.delivery("third", after=60)
    lea.live(minutes=2)
    assert lea.state(third) is DeliveryState.PUBLISHED


def test_expedited_post_ignores_interval_and_counts_for_the_next(lea: SandboxAgency) -> None:
    keep(lea, 60)
    lea.delivery("first")
    second = lea.delivery("second", after=60, late_ok=PATIENT)
    third = lea.delivery("third", after=120, late_ok=PATIENT)
    lea.live(minutes=3)
    assert lea.texts() == ["first"]
    lea.act(expedite_delivery, second)
    lea.live(minutes=1)
    assert lea.texts() == ["first", "second"]
    lea.act(
        interval_waits.refresh_interval_notices
    )  # the delivery that was next in line has published: the other needs to wait no longer
    lea.live(minutes=65)
    assert lea.texts() == ["first", "second", "third"]
    settled = [lea.entry(one).settled_at for one in (second, third)]
    assert settled[1] is not None
    assert settled[0] is not None
    assert settled[1] - settled[0] >= timedelta(minutes=60)


def test_higher_priority_publishes_first_and_change_applies_at_once(
    lea: SandboxAgency,
) -> None:
    keep(lea, 20)
    lea.delivery("first")
    plain = lea.delivery("plain", after=60, late_ok=PATIENT)
    lea.delivery("second", after=120, priority=2, late_ok=PATIENT)
    last = lea.delivery("last", after=180, late_ok=PATIENT)
    lea.live(minutes=4)
    row = lea.entry(last)
    lea.act(priority.set_priority, last, 1, version=row.version)
    lea.live(minutes=70)
    assert lea.texts() == ["first", "last", "second", "plain"]
    assert apart(lea, timedelta(minutes=20))
    told = [step.reason.code for step in lea.story(plain) if step.reason is not None]
    assert 1 <= len(told) <= 4, "the time is stored only when it changes"


def test_thread_counts_as_one_post_and_removed_post_frees_its_place(lea: SandboxAgency) -> None:
    keep(lea, 30)
    thread = lea.delivery("one", parts=(ThreadPart("two"), ThreadPart("three")))
    second = lea.delivery("second", after=60, late_ok=PATIENT)
    lea.live(minutes=3)
    assert lea.texts() == ["one", "two", "three"]
    assert lea.state(second) is DeliveryState.SCHEDULED
    lea.act(post_removal.request_post_removal, thread)
    lea.live(minutes=2)
    assert lea.state(thread) is DeliveryState.REMOVED
    lea.act(interval_waits.recheck_interval_holds, lea.channels["main"])
    lea.live(minutes=1)
    assert lea.state(second) is DeliveryState.PUBLISHED


def test_uncertain_delivery_blocks_interval_until_settled(lea: SandboxAgency) -> None:
    keep(lea, 30)
    lea.fault("reset_after", times=1)
    doubt = lea.delivery("first", late_ok=PATIENT)
    lea.run()
    assert lea.state(doubt) is DeliveryState.UNCERTAIN
    lea.delivery("second", late_ok=PATIENT)
    lea.live(minutes=25)
    assert lea.texts() == ["first"]
    lea.live(minutes=40)
    assert lea.texts() == ["first", "second"]


@pytest.mark.parametrize("both_begin", [False, True], ids=["one by one", "at once"])
def test_concurrent_senders_respect_interval_and_publish_once(
    lea: SandboxAgency, both_begin: bool
) -> None:
    keep(lea, 30)
    for number in range(4):
        lea.delivery(f"{number}", after=0 if both_begin else number * 40, late_ok=None)
    with ThreadPoolExecutor(2) as senders:
        for _ in range(40):
            lea.pass_time(minutes=4)
            list(senders.map(lambda _: lea.run(), range(2)))
    assert sorted(lea.texts()) == ["0", "1", "2", "3"]
    assert apart(lea, timedelta(minutes=30))


def test_backlog_after_downtime_respects_interval(lea: SandboxAgency) -> None:
    keep(lea, 25)
    for number in range(4):
        lea.delivery(
            f"{number}", after=60 + number, late_ok=timedelta(hours=12), priority=4 - number
        )
    planned = lea.delivery("planned", after=6 * 3600 + 600, late_ok=PATIENT)
    lea.pass_time(hours=6)
    lea.live(hours=3)
    assert sorted(lea.texts()) == ["0", "1", "2", "3", "planned"]
    assert [text for text in lea.texts() if text != "planned"] == ["3", "2", "1", "0"]
    assert apart(lea, timedelta(minutes=25))
    assert lea.state(planned) is DeliveryState.PUBLISHED


def test_forecast_and_warning_report_interval_conflict(lea: SandboxAgency) -> None:
    keep(lea, 60)
    main, now = lea.channels["main"], lea.now()
    first = lea.delivery("first", after=3600)
    second = lea.delivery("second", after=3600 + 600, late_ok=PATIENT)
    third = lea.delivery("third", after=3600 + 1200)
    with lea.scope() as scope:
        near = minimum_interval.find_interval_warning(scope, main, now + timedelta(minutes=75))
        found = publishing_forecast.forecast_publishing(
            scope, [lea.creator_id], days=1, connectors=lea.services.connectors
        )
    assert near is not None
    assert near.held, "a new post may be half an hour late by default"
    by_id = {one.delivery_id: one for one in found.ahead}
    assert by_id[second].leaves == lea.entry(first).due_at + timedelta(minutes=60)
    trouble = by_id[third].trouble
    assert trouble is not None
    assert trouble.code == enforced_interval.TOO_LATE_FOR_INTERVAL
    assert [one.leaves for one in found.ahead if one.delivery_id not in (second, third)] == [None]
