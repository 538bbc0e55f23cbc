"""Concurrent actions on a series: no date is created twice, and no deadlock occurs."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import time, timedelta
from itertools import product
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.ids import uuid7
from foundation.ops.clock import tz_data_version
from schedules.approvals import decisions
from schedules.approvals.release import release_post
from schedules.approvals.time_changes import reschedule_delivery
from schedules.drafts import drafts
from schedules.posts.states import DeliveryState, SeriesState
from schedules.recurrence import ab_tests, series
from schedules.recurrence.rules import Recurrence, RecurrenceRule, RecurrenceUnit
from schedules.recurrence.series import SeriesUpdate
from schedules.rescheduling import account_failover
from tests.schedules.ab_test_builders import get_ab_test, start_ab_test
from tests.schedules.builders import SandboxAgency
from tests.schedules.series_builders import (
    WEEKLY,
    approve_and_release,
    build_draft,
    build_recurrence,
    list_deliveries,
    list_series,
    start_series,
)

Act = Callable[[Scope], Any]


def at_once(lea: SandboxAgency, *acts: Act) -> list[Any]:
    """Run the functions in transactions that begin together. Return their results, or the Conflict
    or BadInput that each raised."""
    ready = Barrier(len(acts))

    def work(act: Act) -> Any:
        try:
            with lea.scope(f"member:{lea.manager}") as scope:
                ready.wait(60)
                return act(scope)
        except (Conflict, BadInput) as refused:
            return refused

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(work, acts))


NAMES = ("extend", "skip", "stop", "change", "approve", "turn_down", "rewrite")


@pytest.mark.parametrize(
    ("one", "two"), [pair for pair in product(NAMES, NAMES) if pair[0] <= pair[1]]
)
def test_concurrent_actions_create_each_date_once(lea: SandboxAgency, one: str, two: str) -> None:
    wanted = build_recurrence(lea, WEEKLY)
    post_id = start_series(lea, wanted)
    (first,) = list_series(lea, post_id)
    day = wanted.starts_on + timedelta(days=14)
    later = SeriesUpdate(Recurrence(WEEKLY, day, time(4, 5), "UTC"))
    acts: dict[str, Act] = {
        "extend": lambda scope: series.extend_series(scope, first.id),
        "skip": lambda scope: series.skip_occurrence(scope, first.id, day),
        "rewrite": lambda scope: drafts.rewrite_post(
            scope, post_id, build_draft(lea, body="new"), author="system:test"
        ),
        "stop": lambda scope: series.stop_series(scope, first.id),
        "change": lambda scope: series.change_following_occurrences(
            scope, first.id, day, later, author="system:test"
        ),
        "approve": lambda scope: (
            decisions.approve_post(scope, post_id, member_id=lea.manager),
            release_post(scope, post_id),
        ),
        "turn_down": lambda scope: decisions.decline_post(
            scope, post_id, member_id=lea.manager, note="no"
        ),
    }
    at_once(lea, acts[one], acts[two])
    lea.run()
    made = list_deliveries(lea, post_id)
    dates = [row.occurrence_key[:10] for row in made if row.state != DeliveryState.CANCELLED]
    assert len(dates) == len(set(dates))
    assert len({(row.channel_id, row.occurrence_key) for row in made}) == len(made)
    if "stop" in (one, two):
        assert not [
            row for row in made if row.series_id == first.id and row.state in series.PENDING_STATES
        ]


def test_concurrent_close_series_conflict(lea: SandboxAgency) -> None:
    def begun(after: float) -> Act:
        wanted, author = build_recurrence(lea, WEEKLY, hours=after), f"member:{lea.author}"
        return lambda scope: series.plan_series(
            scope, build_draft(lea), wanted, key=uuid7(), author=author
        )

    found = at_once(lea, begun(24), begun(26))
    assert [isinstance(one, BadInput) for one in found].count(True) == 1


def test_series_started_twice_concurrently_is_created_once(lea: SandboxAgency) -> None:
    post_id, wanted = lea.write(), build_recurrence(lea, WEEKLY)

    def act(scope: Scope) -> UUID:
        return series.begin_series(scope, post_id, [lea.channels["main"]], wanted)

    one, two = at_once(lea, act, act)
    assert one == two
    assert len(list_deliveries(lea, post_id)) == 1


def test_occurrence_can_be_rescheduled_while_series_is_extended(lea: SandboxAgency) -> None:
    post_id = start_series(lea, build_recurrence(lea, RecurrenceRule(RecurrenceUnit.WEEK, 8)))
    (first,), (row,) = list_series(lea, post_id), list_deliveries(lea, post_id)
    there = build_recurrence(lea, WEEKLY, hours=30)
    at_once(
        lea,
        lambda scope: series.extend_series(scope, first.id),
        lambda scope: reschedule_delivery(scope, row.id, at=there.occurrence_on(there.starts_on)),
    )
    assert len(list_deliveries(lea, post_id)) == 8


@pytest.mark.heavy
@pytest.mark.parametrize("round_", range(4))
def test_ab_test_ends_consistently_during_failover(lea: SandboxAgency, round_: int) -> None:
    spare_id, post_id = lea.connect("spare"), start_series(lea, build_recurrence(lea))
    approve_and_release(lea, post_id)
    test_id = start_ab_test(lea, post_id)
    approve_and_release(lea, get_ab_test(lea, test_id).b_id)
    lea.live(days=2)
    lost = lea.channels["main"]
    shown = lea.act(account_failover.preview_failover, lost, spare_id).seen_versions
    acts: list[Act] = [
        lambda scope: ab_tests.end_test(scope, test_id, keep="b", author=f"member:{lea.manager}"),
        lambda scope: account_failover.move_to_spare_account(scope, lost, spare_id, seen=shown),
    ]
    found = at_once(lea, *(acts if round_ % 2 else reversed(acts)))
    assert not [one for one in found if isinstance(one, BadInput | Conflict)], found
    lea.act(
        account_failover.move_to_spare_account,
        lost,
        spare_id,
        seen=lea.act(account_failover.preview_failover, lost, spare_id).seen_versions,
    )
    lea.run()
    one = get_ab_test(lea, test_id)
    assert one.kept == "b"
    ahead = [
        row
        for both in (one.a_id, one.b_id)
        for row in list_deliveries(lea, both)
        if row.state in series.PENDING_STATES
    ]
    assert {row.channel_id for row in ahead} == {spare_id}
    assert len({row.wall_time for row in ahead}) == len(ahead) > 0
    running = [row for row in list_series(lea, one.b_id) if row.state == SeriesState.RUNNING]
    assert [row.channels for row in running] == [[str(spare_id)]]
    assert {row.post_id for row in ahead if row.series_id == running[0].id} == {one.b_id}


def test_time_zone_data_comes_from_locked_package() -> None:
    import zoneinfo

    assert zoneinfo.TZPATH == ()
    assert tz_data_version() >= "2026"
