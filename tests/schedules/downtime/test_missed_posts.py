"""Missed posts after a downtime: one notice, publishing at intervals or on hold, and the decision
to accept or hold them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlmodel import col, select

from channels.accounts import lifecycle
from foundation.errors import Conflict, NotFound, Refused
from foundation.i18n.translation import Message
from gate.policy import emergency_stops
from schedules.approvals.time_changes import expedite_delivery
from schedules.calendar import next_steps
from schedules.downtime import missed_posts, queries
from schedules.downtime.missed_posts import DowntimeProgress
from schedules.downtime.models import Downtime
from schedules.downtime.states import DowntimeState
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts.models import Delivery
from schedules.posts.states import DeliveryState
from tenants.agencies import agencies
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.series_builders import (
    allow_any_lateness,
    approve_and_release,
    build_recurrence,
    list_deliveries,
    start_series,
)
from workers.wiring import Services

pytestmark = pytest.mark.heavy

TOLD, STILL = "downtime.told", "downtime.still_held"
LATE_OK = timedelta(hours=7)


SPACING = timedelta(minutes=10)
"""The interval that the agency set, so that missed posts wait while members decide."""


def overdue(
    lea: SandboxAgency,
    number: int,
    *,
    channel: str = "main",
    late_ok: timedelta | None = LATE_OK,
    spacing: timedelta = SPACING,
) -> list[UUID]:
    """Create deliveries that are due a second apart, one minute from now, on an account with an
    interval. Tests then let hours pass."""
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET min_gap_seconds = :seconds WHERE tenant_id = :t AND id = :id",
            seconds=int(spacing.total_seconds()),
            t=lea.tenant_id,
            id=lea.channels[channel],
        )
    return [
        lea.delivery(f"{channel} {n}", channel=channel, after=60 + n, late_ok=late_ok)
        for n in range(number)
    ]


def told(lea: SandboxAgency) -> dict[str, str]:
    return {cause: code for cause, code in lea.notices().items() if code.startswith("downtime.")}


def only(lea: SandboxAgency) -> UUID:
    """Return the ID of the only downtime of this agency."""
    with lea.scope() as scope:
        return scope.session.exec(
            select(Downtime.id).where(Downtime.tenant_id == lea.tenant_id)
        ).one()


def state(lea: SandboxAgency) -> str:
    with lea.scope() as scope:
        return scope.session.exec(
            select(Downtime.state).where(Downtime.tenant_id == lea.tenant_id)
        ).one()


def left_at(lea: SandboxAgency, channel: str = "main") -> list[datetime]:
    return [datetime.fromisoformat(post["created_at"]) for post in lea.posts(channel)]


# Layout


def test_downtime_creates_one_notice_for_all_accounts(lea: SandboxAgency) -> None:
    for name in ("two", "three", "four"):
        lea.connect(name)
    late = {name: overdue(lea, 3, channel=name) for name in ("main", "two", "three", "four")}
    gone = [lea.delivery(f"too late {n}", after=60, channel="two") for n in range(2)]
    lea.pass_time(hours=6)
    lea.run()
    assert list(told(lea).values()) == [TOLD]
    assert list(lea.notices().values()) == [TOLD]
    assert [lea.why(one) for one in gone] == ["downtime.too_late"] * 2
    assert {name: lea.texts(name) for name in late} == {name: [f"{name} 0"] for name in late}
    with lea.scope() as scope:
        (found,) = queries.list_open_downtimes(scope, [lea.creator_id])
    assert found.count == DowntimeProgress(left=4, waiting=8, held=2)
    assert {account.name: len(account.entries) for account in found.accounts} == {
        "main": 3,
        "two": 5,
        "three": 3,
        "four": 3,
    }
    shown = {
        one.delivery_id: one.not_before
        for one in found.entries
        if one.state is DeliveryState.SCHEDULED
    }
    lea.live(minutes=40)
    for name in late:
        assert lea.texts(name) == [f"{name} 0", f"{name} 1", f"{name} 2"]
    for delivery_id, at in shown.items():
        settled = lea.entry(delivery_id).settled_at
        assert at is not None
        assert settled is not None
        assert timedelta(0) <= settled - at < timedelta(minutes=1), (
            "it published at the announced time"
        )


def test_missed_post_too_late_at_its_turn_is_held(lea: SandboxAgency) -> None:
    late = overdue(lea, 2, late_ok=timedelta(hours=6, minutes=5))
    patient = lea.delivery("patient", after=70, late_ok=None)
    lea.pass_time(hours=6)
    lea.run()
    assert [lea.state(one) for one in late] == [DeliveryState.PUBLISHED, DeliveryState.HELD]
    assert lea.why(late[1]) == "downtime.no_turn"
    lea.live(minutes=12)
    assert lea.state(patient) is DeliveryState.PUBLISHED


def test_on_time_posts_do_not_delay_missed_posts(lea: SandboxAgency) -> None:
    """An account posts every five minutes; posts missed during a stop still publish in order and in
    time."""
    late = overdue(lea, 3, late_ok=timedelta(hours=2), spacing=timedelta())
    with lea.scope(f"member:{lea.manager}") as scope:
        emergency_stops.close_switch(
            scope, "channel", str(lea.channels["main"]), "sending", reason="a look"
        )
    lea.live(minutes=30)
    new = [
        lea.delivery(f"on time {n}", after=60 + 300 * n, late_ok=timedelta(minutes=30))
        for n in range(24)
    ]
    with lea.scope(f"member:{lea.manager}") as scope:
        emergency_stops.reopen_switch(
            scope, "channel", str(lea.channels["main"]), "sending", reason="seen"
        )
    lea.live(minutes=50)
    assert [lea.state(one) for one in late] == [DeliveryState.PUBLISHED] * 3
    lea.live(minutes=80)
    assert {lea.state(one) for one in new} == {DeliveryState.PUBLISHED}


@pytest.mark.parametrize("minutes", [0, 3, 10, 45])
def test_missed_posts_are_spaced_only_as_the_agency_set(lea: SandboxAgency, minutes: int) -> None:
    overdue(lea, 4, late_ok=None, spacing=timedelta(minutes=minutes))
    lea.pass_time(hours=2)
    lea.live(minutes=4 * minutes + 5)
    assert lea.texts() == [f"main {one}" for one in range(4)]
    gaps = [after - before for before, after in pairwise(left_at(lea))]
    assert min(gaps) >= timedelta(minutes=minutes)
    assert max(gaps) <= timedelta(minutes=minutes, seconds=120 if minutes else 20)


def test_missed_posts_publish_by_priority(lea: SandboxAgency) -> None:
    overdue(lea, 2)
    lea.delivery("first", after=120, priority=1, late_ok=None)
    lea.pass_time(hours=6)
    lea.live(minutes=30)
    assert lea.texts() == ["first", "main 0", "main 1"]


def test_short_or_single_delay_creates_no_notice(lea: SandboxAgency) -> None:
    lea.connect("two")
    one = [lea.delivery("alone", after=60), lea.delivery("alone", after=60, channel="two")]
    lea.pass_time(minutes=20)
    lea.run()
    assert [lea.state(each) for each in one] == [DeliveryState.PUBLISHED] * 2
    overdue(lea, 3, spacing=timedelta())
    lea.pass_time(minutes=2)
    lea.run()
    assert told(lea) == {}
    assert len(lea.texts()) == 4


def test_post_waiting_for_minimum_interval_is_not_missed(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        scope.run("UPDATE channels SET min_gap_seconds = 600 WHERE tenant_id = :t", t=lea.tenant_id)
    for number in range(4):
        lea.delivery(f"{number}", after=60, late_ok=None)
    lea.live(minutes=45)
    assert len(lea.texts()) == 4
    assert told(lea) == {}


def test_only_latest_missed_occurrence_of_series_is_published(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea))
    lea.run()
    allow_any_lateness(lea, post_id)
    approve_and_release(lea, post_id)
    other = lea.delivery("once", after=60, late_ok=None)
    lea.pass_time(days=3)
    lea.live(minutes=30)
    assert [row.state for row in list_deliveries(lea, post_id)[:3]].count(
        DeliveryState.PUBLISHED
    ) == 1
    assert [row.state for row in list_deliveries(lea, post_id)[:3]].count(
        DeliveryState.CANCELLED
    ) == 2
    assert lea.state(other) is DeliveryState.PUBLISHED


# Times


def test_paused_account_reports_missed_posts_after_resume(lea: SandboxAgency) -> None:
    lea.act(
        lifecycle.pause_account,
        lea.channels["main"],
        Message("channel.is_paused", {"account": "main"}),
    )
    overdue(lea, 3)
    lea.live(minutes=30)
    assert told(lea) == {}
    lea.act(lifecycle.resume_account, lea.channels["main"])
    lea.live(minutes=2)
    assert list(told(lea).values()) == [TOLD]
    assert lea.texts() == ["main 0"]


@pytest.mark.parametrize("where", ["channel", "creator", "platform", "tenant"])
def test_emergency_stop_reports_missed_posts_after_its_end(lea: SandboxAgency, where: str) -> None:
    ids = {
        "channel": lea.channels["main"],
        "creator": lea.creator_id,
        "platform": "sandbox",
        "tenant": "",
    }
    target = str(ids[where])
    lea.act(emergency_stops.close_switch, where, target, "sending", reason="test")
    overdue_id = overdue(lea, 3)[0]
    lea.live(minutes=30)
    assert told(lea) == {}
    with lea.scope() as scope:
        entry = lea.entry(overdue_id)
        assert (
            next_steps.next_step_of_delivery(scope, entry, lea.services.connectors).next.code
            == "calendar.next.stopped_until"
        )
    lea.act(emergency_stops.reopen_switch, where, target, "sending", reason="over")
    lea.live(minutes=2)
    assert list(told(lea).values()) == [TOLD]
    assert lea.texts() == ["main 0"]


def test_dry_run_post_is_not_missed(lea: SandboxAgency) -> None:
    dry = lea.delivery("dry", after=60)
    with lea.scope() as scope:
        scope.run("UPDATE deliveries SET dry_run = true WHERE id = :id", id=dry)
    lea.delivery("wet", after=60, late_ok=None)
    lea.pass_time(hours=6)
    lea.run()
    assert told(lea) == {}


def test_concurrent_relays_create_one_downtime_notice(lea: SandboxAgency) -> None:
    lea.connect("two")
    for name in ("main", "two"):
        overdue(lea, 3, channel=name)
    lea.pass_time(hours=6)

    def note(name: str) -> None:
        with lea.scope("system:publishing") as scope:
            missed_posts.register_missed_posts(scope, lea.channels[name])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(note, ["main", "two", "main", "two"]))
    first = {one.delivery_id: one.not_before for one in members(lea)}
    assert len(first) == 6
    for _ in range(2):
        note("main")
        lea.run()
    assert {one.delivery_id: one.not_before for one in members(lea)} == first
    assert list(lea.notices().values()) == [TOLD]
    assert [lea.texts("main"), lea.texts("two")] == [["main 0"], ["two 0"]]


def members(lea: SandboxAgency) -> list[queries.DeliveryEntry]:
    with lea.scope() as scope:
        (found,) = queries.list_open_downtimes(scope, [lea.creator_id])
    return found.entries


def test_second_downtime_reschedules_missed_posts(lea: SandboxAgency) -> None:
    overdue(lea, 4, late_ok=None)
    lea.pass_time(hours=6)
    lea.live(minutes=5)
    lea.pass_time(hours=2)
    lea.live(minutes=60)
    assert lea.texts() == ["main 0", "main 1", "main 2", "main 3"]
    lea.act(missed_posts.close_finished_downtimes)
    assert state(lea) == DowntimeState.OVER
    assert told(lea) == {}


# The two decisions


def test_accepted_catch_up_publishes_as_planned(lea: SandboxAgency) -> None:
    overdue(lea, 3)
    lea.pass_time(hours=6)
    lea.run()
    assert lea.act(
        missed_posts.accept_catch_up, only(lea), creators=[lea.creator_id]
    ) == DowntimeProgress(left=1, waiting=2, held=0)
    assert told(lea) == {}
    with pytest.raises(Conflict) as twice:
        lea.act(missed_posts.accept_catch_up, only(lea), creators=[lea.creator_id])
    assert twice.value.message.code == "downtime.decided"
    lea.live(minutes=30)
    assert len(lea.texts()) == 3
    assert state(lea) == DowntimeState.KEPT


def test_holding_missed_posts_counts_published_and_allows_retry(lea: SandboxAgency) -> None:
    late = overdue(lea, 5)
    lea.pass_time(hours=6)
    lea.live(minutes=12)
    assert lea.act(
        missed_posts.hold_missed_posts, only(lea), creators=[lea.creator_id]
    ) == DowntimeProgress(left=2, waiting=0, held=3)
    assert [lea.why(one) for one in late[2:]] == ["downtime.held"] * 3
    assert lea.rows("delivery.publish") == []
    lea.live(minutes=40)
    assert len(lea.texts()) == 2
    assert list(told(lea).values()) == [STILL]
    for one in late[2:]:
        lea.act(drafts.retry_delivery, one)
        lea.live(minutes=1)
    assert len(lea.texts()) == 5
    lea.act(missed_posts.close_finished_downtimes)
    assert told(lea) == {}
    with pytest.raises(Conflict):
        lea.act(missed_posts.hold_missed_posts, only(lea), creators=[lea.creator_id])


def test_undecided_downtime_still_reports_held_posts(lea: SandboxAgency) -> None:
    overdue(lea, 2)
    gone = lea.delivery("gone", after=60)
    lea.pass_time(hours=6)
    lea.live(minutes=20)
    lea.act(missed_posts.close_finished_downtimes)
    assert (state(lea), list(told(lea).values())) == (DowntimeState.OVER, [STILL])
    lea.act(deliveries.cancel_delivery, gone)
    lea.act(missed_posts.close_finished_downtimes)
    assert told(lea) == {}


def test_rescheduled_missed_post_is_not_held(lea: SandboxAgency) -> None:
    late = overdue(lea, 3)
    lea.pass_time(hours=6)
    lea.run()
    lea.act(expedite_delivery, late[2])
    assert lea.act(
        missed_posts.hold_missed_posts, only(lea), creators=[lea.creator_id]
    ) == DowntimeProgress(left=1, waiting=0, held=1)
    assert lea.state(late[2]) is DeliveryState.SCHEDULED


def test_member_cannot_decide_for_other_creators(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        other = agencies.add_creator(
            scope,
            slug="mia",
            name="Mia",
            kind="virtual",
            zone="Europe/Paris",
            languages=["fr"],
            approval_tiers=1,
        )
    overdue(lea, 3)
    lea.pass_time(hours=6)
    lea.run()
    with pytest.raises(Refused):
        lea.act(missed_posts.accept_catch_up, only(lea), creators=[other])
    assert lea.act(missed_posts.hold_missed_posts, only(lea), creators=[other]) == DowntimeProgress(
        left=0, waiting=0, held=0, others=2
    )
    assert state(lea) == DowntimeState.OPEN
    with lea.scope() as scope:
        assert queries.list_open_downtimes(scope, [other]) == []


def test_downtime_is_invisible_to_another_agency(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    overdue(lea, 3)
    lea.pass_time(hours=6)
    lea.run()
    stranger = create_sandbox_agency(services, sandbox)
    for act in (missed_posts.accept_catch_up, missed_posts.hold_missed_posts):
        for unknown in (only(lea), uuid4()):
            with pytest.raises(NotFound):
                stranger.act(act, unknown, creators=[lea.creator_id])
    with stranger.scope() as scope:
        assert queries.list_open_downtimes(scope, [lea.creator_id]) == []
    assert list(told(lea).values()) == [TOLD]


# Any order


PLANS = some.lists(
    some.tuples(
        some.sampled_from(["main", "two"]), some.integers(1, 9), some.sampled_from([5, 380, None])
    ),
    min_size=2,
    max_size=7,
)


@given(PLANS, some.lists(some.integers(0, 25), max_size=3), some.sampled_from(["", "keep", "hold"]))
@settings(
    max_examples=12,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_missed_posts_publish_once_in_order_and_in_time(
    services: Services,
    sandbox: RunningSandbox,
    plans: list[tuple[str, int, int | None]],
    deaths: list[int],
    word: str,
) -> None:
    """Workers die at random points, and a member accepts or holds the posts."""
    lea = create_sandbox_agency(services, sandbox)
    lea.connect("two")
    made = {}
    for number, (channel, priority, minutes) in enumerate(plans):
        late_ok = None if minutes is None else timedelta(minutes=minutes)
        made[
            lea.delivery(f"{number}", channel=channel, after=60, late_ok=late_ok, priority=priority)
        ] = number
    lea.pass_time(hours=6)
    for at in deaths:
        lea.crash(at)
    lea.run()
    if word and told(lea):
        act = missed_posts.accept_catch_up if word == "keep" else missed_posts.hold_missed_posts
        lea.act(act, only(lea), creators=[lea.creator_id])
    lea.live(hours=3)
    held = word == "hold"
    for channel in ("main", "two"):
        texts = lea.texts(channel)
        assert len(texts) == len(set(texts)), "published twice"
        ranks = [(plans[int(text)][1], int(text)) for text in texts]
        assert ranks == sorted(ranks) or deaths, (
            ranks
        )  # a worker that died with a claimed post lets the next one publish first
    with lea.scope() as scope:
        every = scope.session.exec(select(Delivery).where(col(Delivery.id).in_(list(made)))).all()
    for row in every:
        assert row.state in (DeliveryState.PUBLISHED, DeliveryState.HELD), row.state
        if row.state == DeliveryState.PUBLISHED and row.late_until is not None:
            assert row.settled_at is not None
            assert row.settled_at <= row.late_until + timedelta(minutes=1)
        if row.late_until is None and not held:
            assert row.state == DeliveryState.PUBLISHED
