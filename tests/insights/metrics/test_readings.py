"""Readings of post metrics at fixed ages: taken on time, stored unchanged, never invented."""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any, Literal
from uuid import UUID

import pytest

from channels.limits import request_costs
from connectors.contract.post_presence import MissingPost
from foundation.db.bulk_insert import insert_rows
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.copies import live_copies
from insights.metrics import deletion_checks, manual_entry
from insights.metrics import readings as collecting
from insights.metrics.events import READING_AGES, DeletionRecheckDue, ReadingDue
from insights.metrics.models import MetricSnapshot
from insights.metrics.queries import POST_RESULTS_SQL, post_results
from insights.reports import daily_report
from insights.rollups import daily_rollups, queries
from insights.rollups.queries import DayWork
from schedules.posts.states import DeliveryState, SeriesState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import external_deletions as schedules_vanished
from schedules.publishing import post_removal
from schedules.recurrence import series
from schedules.recurrence.rules import Recurrence
from schedules.recurrence.series import SeriesUpdate
from tests.insights.builders import CreatorHistory
from tests.schedules import series_builders
from tests.schedules.builders import ZONE, SandboxAgency

By = Literal["rules", "owner", "nobody"]

TOLD = {"views", "reach", "likes", "comments", "shares", "clicks"}
"""Metrics that the sandbox returns."""


def readings(lea: SandboxAgency, delivery_id: UUID) -> dict[tuple[int, str], tuple[Any, str]]:
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT age_hours, metric, value, quality FROM metric_snapshots WHERE tenant_id = "
            ":tenant"
            " AND delivery_id = :delivery",
            tenant=lea.tenant_id,
            delivery=delivery_id,
        ).all()
    return {(row.age_hours, row.metric): (row.value, row.quality) for row in rows}


def told(views: int | None, *_: object) -> dict[str, int] | None:
    return {"views": views} if views is not None else None


def published(lea: SandboxAgency) -> UUID:
    delivery_id = lea.delivery()
    lea.run()
    return delivery_id


def test_post_is_read_at_each_age_after_publication(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    settled = lea.entry(delivery_id).settled_at
    assert settled is not None
    ages = [
        round((row.available_at - settled).total_seconds() / 3600, 3)
        for row in lea.rows("readings.read")
    ]
    assert ages == [1, 3, 12, 24, 168]
    assert readings(lea, delivery_id) == {}
    lea.live(hours=1, minutes=1)
    found = readings(lea, delivery_id)
    assert set(found) == {(1, metric) for metric in {*collecting.POST_METRICS, "reach"}}
    assert {metric for (_, metric), (_, quality) in found.items() if quality == "measured"} == TOLD
    assert found[1, "saves"] == (None, "unavailable"), "the sandbox does not report saves"
    lea.live(days=8)
    assert {key for key in readings(lea, delivery_id) if key[0] in READING_AGES} == {
        (age, m) for age in READING_AGES for m in {*collecting.POST_METRICS, "reach"}
    }


def test_failed_reading_is_unavailable_not_zero(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    lea.fault("status:503", on="metrics")
    lea.live(hours=1, minutes=1)
    assert set(readings(lea, delivery_id).values()) == {(None, "unavailable")}


def test_missing_metric_is_unavailable_alone(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    event = ReadingDue(lea.tenant_id, delivery_id, 1)
    collecting.collect_readings(
        event,
        tenant=lea.services.tenant,
        read=lambda *_: {"views": 7, "likes": 0},
        still=lambda *_: None,
    )
    found = readings(lea, delivery_id)
    assert found[1, "views"] == (7, "measured")
    assert found[1, "likes"] == (0, "measured")
    assert found[1, "comments"] == (None, "unavailable")


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        (
            {"likes": 2, "reposts": 3, "quotes": 1, "saves": 4, "tips": 9},
            {"likes": 2, "shares": 4, "saves": 4},
        ),
        ({"shares": 5, "reposts": 2, "quotes": 0}, {"shares": 7}),
        ({"shares": 0}, {"shares": 0}),
        ({"views": 7, "clicks": 1}, {"views": 7, "clicks": 1}),
        ({}, {}),
    ],
)
def test_shares_and_reposts_are_one_metric(told: dict[str, int], kept: dict[str, int]) -> None:
    assert collecting.keep_known_metrics(told) == kept


def test_newest_posts_of_an_account_are_read_through_its_index(ledgers: CreatorHistory) -> None:
    with ledgers.scope() as scope:
        now = scope.now
    posts = [ledgers.post(now - timedelta(days=10 - number)) for number in range(6)]
    with ledgers.scope() as scope:
        # The likes of the second newest post were read last, the comments of the newest first.
        read = {"likes": [1, 2, 3, 4, 6, 5], "comments": [1, 2, 3, 4, 5, 0]}
        insert_rows(
            scope,
            MetricSnapshot,
            [
                {
                    "id": uuid7(),
                    "creator_id": ledgers.creator_id,
                    "delivery_id": post,
                    "channel_id": ledgers.channel_id,
                    "metric": metric,
                    "age_hours": age,
                    "value": None if number == 3 else 10 * number + age,
                    "quality": "measured",
                    "observed_at": now + timedelta(minutes=order[number]),
                }
                for metric, order in read.items()
                for age in (1, 24)
                for number, post in enumerate(posts)
            ],
        )
        found = post_results(scope, ledgers.channel_id, age_hours=24, most=3)
        # Of a small table, another index costs as little.
        scope.run("SET LOCAL enable_seqscan = off")
        scope.run("SET LOCAL enable_sort = off")
        plan = scope.run(
            f"EXPLAIN {POST_RESULTS_SQL}",
            tenant=ledgers.tenant_id,
            channel=ledgers.channel_id,
            age=24,
            metrics=["likes", "comments"],
            most=3,
        )
        used = "\n".join(row[0] for row in plan)
    assert list(found.items()) == [(posts[4], 128), (posts[5], 148), (posts[2], 88)]
    assert "metric_snapshots_channel" in used


def test_shares_and_saves_are_interactions(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    event = ReadingDue(lea.tenant_id, delivery_id, 1)
    numbers = {"views": 90, "likes": 5, "comments": 1, "reposts": 3, "saves": 2}
    collecting.collect_readings(
        event, tenant=lea.services.tenant, read=lambda *_: numbers, still=lambda *_: None
    )
    with lea.scope() as scope:
        found = post_results(scope, lea.channels["main"], age_hours=1, most=5)
        day = local_day(scope.now, ZONE)
        daily_rollups.rebuild_day(scope, lea.creator_id, day)
        report = daily_report.load_daily_report(scope, lea.creator_id, day)
    assert found == {delivery_id: 11}
    assert report.work.interactions == 11
    (post,) = report.posts
    assert report.best_posts(post) == {
        "views": 90,
        "likes": 5,
        "comments": 1,
        "shares": 3,
        "saves": 2,
    }
    assert "partages 3 · enregistrements 2" in daily_report.render_daily_html(report, "fr")
    assert "shares 3 · saves 2" in daily_report.render_daily_markdown(report, "en")
    assert "post_saves" in daily_report.render_daily_csv(report)


def test_daily_increments_add_up_to_last_reading(lea: SandboxAgency) -> None:
    """The platform returns the total at each age, so three readings must not count three times."""
    delivery_id, days = published(lea), []
    for age, views in ((1, 90), (24, 400), (168, 900)):
        lea.pass_time(hours=age if age == 1 else age - days[-1][0])
        event, numbers = (
            ReadingDue(lea.tenant_id, delivery_id, age),
            {"views": views, "likes": views // 10},
        )
        collecting.collect_readings(
            event, tenant=lea.services.tenant, read=partial(_same, numbers), still=lambda *_: None
        )
        days.append((age, local_day(lea.now(), ZONE)))
    spanned = {days[0][1], days[-1][1]}
    rebuild_days(lea, spanned)
    rebuild_days(lea, spanned)
    work = days_of(lea, spanned)
    assert sum(one.views for one in work.values()) == 900
    assert sum(one.interactions for one in work.values()) == 90
    assert len(work) == 8
    assert all(one.views > 0 for one in work.values()), "a week is spread over its days"


def rebuild_days(lea: SandboxAgency, days: set[date]) -> None:
    """Build the first to the last of these days."""
    with lea.scope() as scope:
        for number in range((max(days) - min(days)).days + 1):
            daily_rollups.rebuild_day(scope, lea.creator_id, min(days) + timedelta(days=number))


def days_of(lea: SandboxAgency, days: set[date]) -> dict[date, DayWork]:
    with lea.scope() as scope:
        return queries.daily_work(scope, lea.creator_id, min(days), max(days))


def test_decrease_is_subtracted_on_day_of_reading(lea: SandboxAgency) -> None:
    """Platforms purge bought likes and revise views: a day may be negative, but the sum never
    exceeds the last reading."""
    delivery_id, passed, days = published(lea), 0, set[date]()
    for age, numbers in (
        (1, {"views": 90, "likes": 9}),
        (24, {"views": 60, "likes": 0}),
        (168, {"views": 70}),
    ):
        lea.pass_time(hours=age - passed)
        event, passed = ReadingDue(lea.tenant_id, delivery_id, age), age
        collecting.collect_readings(
            event, tenant=lea.services.tenant, read=partial(_same, numbers), still=lambda *_: None
        )
        with lea.scope() as scope:
            days.add(local_day(scope.now, ZONE))
            daily_rollups.rebuild_day(scope, lea.creator_id, local_day(scope.now, ZONE))
        if age == 24:
            assert days_of(lea, days)[max(days)].views == -30
    rebuild_days(lea, days)
    work = days_of(lea, days)
    assert sum(one.views for one in work.values()) == 70
    assert sum(one.interactions for one in work.values()) == 0, (
        "the reading at one week has no likes: the last value remains"
    )


def test_corrected_manual_entry_counts_once(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    days = {local_day(lea.now(), ZONE)}
    with lea.scope() as scope:
        outbox.cancel(scope, ReadingDue.kind, delivery_id)  # no API reads a manual post
    lea.pass_time(hours=168)
    for views in ("100", "120"):
        with lea.scope() as scope:
            manual_entry.store_typed_metrics(scope, delivery_id, {"views": views})
            days.add(local_day(scope.now, ZONE))
        lea.run()
        lea.pass_time(hours=36)
    assert sum(one.views for one in days_of(lea, days).values()) == 120


def _same(numbers: Mapping[str, int], *_: object) -> Mapping[str, int]:
    return numbers


def test_measured_value_is_never_overwritten(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    event = ReadingDue(lea.tenant_id, delivery_id, 1)
    for number in (None, 7, 9, None):
        read = partial(told, number)
        collecting.collect_readings(
            event, tenant=lea.services.tenant, read=read, still=lambda *_: None
        )
    assert readings(lea, delivery_id)[1, "views"] == (7, "measured")


@pytest.mark.parametrize(
    ("late", "quality"), [({"minutes": 10}, "measured"), ({"hours": 5}, "unavailable")]
)
def test_late_reading_does_not_count_for_its_age(
    lea: SandboxAgency, late: dict[str, float], quality: str
) -> None:
    delivery_id = published(lea)
    lea.pass_time(hours=1)
    lea.pass_time(**late)
    lea.run()
    assert {
        found for (_, metric), (_, found) in readings(lea, delivery_id).items() if metric in TOLD
    } == {quality}


def test_removed_post_is_not_read(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    lea.live(hours=2)
    assert readings(lea, delivery_id) == {}
    assert lea.asked(kind="metrics") == []


@pytest.mark.parametrize(
    ("age", "is_still", "following"),
    [
        (24, False, 48),
        (144, False, None),  # the reading after 7 days follows the publication
        (24, True, None),
        (168, False, 192),
        (170, True, 336),
        (2136, False, 2160),
        (2160, False, None),
        (2020, True, None),
    ],
)
def test_next_reading_follows_after_a_day_or_week(
    age: int, is_still: bool, following: int | None
) -> None:
    assert collecting.next_reading_age(age, is_still=is_still) == following


def test_post_is_read_daily_while_it_moves_and_then_weekly(lea: SandboxAgency) -> None:
    delivery_id, asked = published(lea), list[int]()
    settled = lea.entry(delivery_id).settled_at
    assert settled is not None
    for number in range(60):
        age = 24 if number == 0 else asked[-1]
        views = min(age, 240)
        lea.pass_time(hours=24 if number == 0 else 0)
        with lea.scope() as scope:
            now = scope.now
        if number:
            lea.pass_time(hours=max((settled + timedelta(hours=age) - now) / timedelta(hours=1), 0))
        with lea.scope() as scope:
            outbox.cancel(scope, ReadingDue.kind, delivery_id)
        collecting.collect_readings(
            ReadingDue(lea.tenant_id, delivery_id, age),
            tenant=lea.services.tenant,
            read=partial(_same, {"views": views}),
            still=lambda *_: None,
        )
        with lea.scope() as scope:
            waiting = scope.run(
                "SELECT args ->> 'age_hours' FROM outbox WHERE kind = 'readings.read'"
                " AND subject_id = :d",
                d=delivery_id,
            ).scalars()
            asked += [int(one) for one in waiting]
        if age == 144:
            asked.append(168)
        if asked[-1] == age:
            break
    assert asked[:6] == [48, 72, 96, 120, 144, 168]
    assert asked[6:11] == [192, 216, 240, 264, 432]
    assert asked[-1] == 2112
    found = {age for age, _ in readings(lea, delivery_id)}
    assert max(found) == 2112


def test_readings_beyond_the_required_ones_need_a_budget(lea: SandboxAgency) -> None:
    """Reading a post of a paid platform more often is the decision of the agency."""
    delivery_id = published(lea)
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET platform = 'x' WHERE tenant_id = :t AND id = :id",
            t=lea.tenant_id,
            id=lea.channels["main"],
        )
    for age in (1, 3, 12, 24):
        lea.pass_time(hours=age - (0 if age == 1 else {3: 1, 12: 3, 24: 12}[age]))
        collecting.collect_readings(
            ReadingDue(lea.tenant_id, delivery_id, age),
            tenant=lea.services.tenant,
            read=partial(_same, {"views": age}),
            still=lambda *_: None,
        )
        if age == 3:
            with lea.scope(f"member:{lea.author}") as scope:
                request_costs.set_cost_cap(scope, "x", Money(5000, "USD"))
    assert {age for age, _ in readings(lea, delivery_id)} == {1, 12, 24}


def test_each_age_is_read_once(lea: SandboxAgency) -> None:
    published(lea)
    assert len(lea.rows("readings.read")) == len(READING_AGES)


def note(lea: SandboxAgency, delivery_id: UUID, missing: MissingPost) -> None:
    with lea.scope(deletion_checks.WATCHING) as scope:
        schedules_vanished.handle_external_deletion(scope, delivery_id, missing)


def test_thread_remains_published_if_first_part_is_externally_deleted(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("One", parts=(ThreadPart("two"), ThreadPart("three")))
    lea.live(seconds=60)
    for _ in range(2):
        note(lea, delivery_id, MissingPost("rules", "spam"))
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.notices()[f"delivery:{delivery_id}:gone"] == "delivery.first_gone_there"
    with lea.scope() as scope:
        left = [
            one.removed_at is None
            for one in live_copies.list_copies(scope, Subject("delivery", delivery_id))
        ]
    assert left == [False, True, True]
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.live(minutes=5)
    assert lea.state(delivery_id) is DeliveryState.REMOVED, "a member can remove the rest"


def test_hidden_post_is_reported_and_can_be_recalled(lea: SandboxAgency) -> None:
    delivery_id = published(lea)
    for _ in range(2):
        note(lea, delivery_id, MissingPost(hidden=True))
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert lea.notices()[f"delivery:{delivery_id}:gone"] == "delivery.hidden_there"
    with lea.scope() as scope:
        assert [
            one.removed_at
            for one in live_copies.list_copies(scope, Subject("delivery", delivery_id))
        ] == [None]


@pytest.mark.parametrize(("by", "ends"), [("rules", True), ("owner", False), ("nobody", False)])
def test_series_stops_only_if_post_broke_rules(lea: SandboxAgency, by: By, ends: bool) -> None:
    post_id = series_builders.start_series(lea, series_builders.build_recurrence(lea), "main")
    series_builders.approve_and_release(lea, post_id)
    lea.live(days=2)
    with lea.scope() as scope:
        out = "SELECT id FROM deliveries WHERE post_id = :post AND state = 'published' LIMIT 1"
        gone = scope.run(out, post=post_id).scalar_one()
    later = local_day(lea.now(), "UTC") + timedelta(days=3)
    far = series_builders.local_time_ahead(lea, hours=14)[
        1
    ]  # twelve hours from the first time: never too close, at any time of day
    other = SeriesUpdate(Recurrence(series_builders.DAILY, later, far, "UTC"))
    author = f"member:{lea.author}"
    with lea.scope(author) as scope:  # the same text at another time from that day on
        series.change_following_occurrences(
            scope,
            series_builders.get_series_id(lea, post_id),
            later,
            other,
            author=author,
            confirmed=True,
        )
    note(lea, gone, MissingPost(by))
    note(lea, gone, MissingPost(by))
    assert lea.state(gone) is DeliveryState.REMOVED
    assert [
        one.state == SeriesState.STOPPED for one in series_builders.list_series(lea, post_id)
    ] == [
        ends,
        ends,
    ]


def test_failed_deletion_recheck_is_repeated_up_to_limit(
    lea: SandboxAgency,
) -> None:
    delivery_id, seen = published(lea), list[bool]()

    def still(*asked: object) -> MissingPost | None:
        seen.append(bool(asked[-1]))
        return MissingPost() if len(seen) == 1 else None

    event = ReadingDue(lea.tenant_id, delivery_id, 1)
    collecting.collect_readings(
        event, tenant=lea.services.tenant, read=lambda *_: None, still=still
    )
    for looks in range(1, deletion_checks.MAX_CHECKS + 1):
        with lea.scope() as scope:
            waiting = scope.run(
                "SELECT args FROM outbox WHERE kind = 'post.look_again' AND subject_id = :d",
                d=delivery_id,
            )
            assert [one["looks"] for one in waiting.scalars()] == [looks]
        again = DeletionRecheckDue(lea.tenant_id, delivery_id, looks)
        with lea.scope() as scope:
            outbox.cancel(scope, DeletionRecheckDue.kind, delivery_id)
        deletion_checks.confirm_deletion(again, tenant=lea.services.tenant, still=still)
    assert lea.rows("post.look_again") == []
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert seen == [False] * (deletion_checks.MAX_CHECKS + 1)
