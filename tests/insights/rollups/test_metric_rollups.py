"""Rollups of metrics: incremental, equal to a full computation, and verified every night."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.accounts import lifecycle
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from foundation.outbox import outbox
from insights.metrics.catalog import POST_COUNTERS
from insights.metrics.events import RollupDue
from insights.metrics.readings import INTERACTION_METRICS
from insights.rollups import daily_rollups, metric_queries, metric_rollups, verification
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.post_results import LATEST, list_post_results
from insights.rollups.verification import RollupErrors
from tenants.agencies import agencies
from tenants.agencies.queries import list_creators
from tests.conftest import Cluster
from tests.insights.builders import CreatorHistory, create_creator_history
from workers.wiring import Services

pytestmark = pytest.mark.heavy

BEGIN = datetime(2025, 3, 29, 9, tzinfo=UTC)  # the clocks of Paris change on March 30
DAYS = [date(2025, 3, 27) + timedelta(days=number) for number in range(22)]
ZONES = ("Europe/Paris", "Pacific/Kiritimati", "America/St_Johns")

_STORE = """
INSERT INTO metric_snapshots (tenant_id, id, creator_id, delivery_id, channel_id, metric, age_hours,
  value, quality, observed_at, native_id)
VALUES (:tenant, :id, :creator, :delivery, :channel, :metric, :age, :value, :quality, :at, :native)
ON CONFLICT (tenant_id, delivery_id, metric, age_hours) DO UPDATE SET value = EXCLUDED.value,
  quality = EXCLUDED.quality, observed_at = EXCLUDED.observed_at, native_id = EXCLUDED.native_id
"""


@dataclass(frozen=True)
class Step:
    """A stored reading, revised if one of the same age exists; a rollup; or another time zone."""

    kind: str
    post: int = 0
    metric: str = "views"
    age: int = 1
    value: int = 0
    typed: bool = False
    native: str = ""
    zone: str = ZONES[0]


STEPS = st.lists(
    st.one_of(
        st.builds(
            Step,
            st.just("read"),
            post=st.integers(0, 2),
            metric=st.sampled_from(["views", "likes", "reach"]),
            age=st.sampled_from([0, 1, 3, 12, 24, 48, 72, 168, 336]),
            value=st.integers(0, 5000),
            typed=st.booleans(),
            native=st.sampled_from(["", "a", "b"]),
        ),
        st.builds(Step, st.just("roll_up")),
        st.builds(Step, st.just("zone"), zone=st.sampled_from(ZONES)),
    ),
    min_size=4,
    max_size=30,
)


def rows_of(scope: Scope, tenant_id: UUID) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rollups without keys and times of change, sorted."""
    queries = {
        "posts": "SELECT channel_id, delivery_id, day, metric, value, interpolated FROM post_days",
        "channels": "SELECT channel_id, day, metric, value, interpolated FROM channel_days",
        "latest": "SELECT delivery_id, metric, value, before_tracking, earlier_epochs, observed_at"
        " FROM post_latest",
        "creators": "SELECT creator_id, day, views, interactions FROM creator_daily",
    }
    return {
        name: sorted(map(tuple, scope.run(f"{query} WHERE tenant_id = :t", t=tenant_id).all()))
        for name, query in queries.items()
    }


def store(made: CreatorHistory, post: UUID, step: Step, *, at: datetime = BEGIN) -> None:
    with made.scope() as scope:
        scope.run(
            _STORE,
            tenant=made.tenant_id,
            id=uuid7(),
            creator=made.creator_id,
            delivery=post,
            channel=made.channel_id,
            metric=step.metric,
            age=step.age,
            value=step.value,
            quality="typed" if step.typed else "measured",
            at=at + timedelta(hours=step.age),
            native=step.native,
        )


def roll_up_all(made: CreatorHistory) -> None:
    for day in DAYS:
        made.roll_up(day)


def move(made: CreatorHistory, zone: str) -> None:
    with made.scope() as scope:
        scope.run(
            "UPDATE creators SET zone = :zone WHERE tenant_id = :t AND id = :id",
            zone=zone,
            t=made.tenant_id,
            id=made.creator_id,
        )


def rebuild_from_nothing(made: CreatorHistory) -> None:
    with made.scope() as scope:
        metric_rollups.mark_creator_changed(scope, made.creator_id)
        for table in ("post_days", "channel_days", "post_latest", "creator_daily"):
            scope.run(f"DELETE FROM {table} WHERE tenant_id = :t", t=made.tenant_id)
    roll_up_all(made)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(STEPS)
def test_incremental_rollups_equal_a_full_computation(
    services: Services, steps: list[Step]
) -> None:
    """In any order of readings, with repetitions, revisions, resets and other time zones."""
    made = create_creator_history(services)
    posts = [made.post(BEGIN) for _ in range(3)]
    for step in steps:
        if step.kind == "read":
            store(made, posts[step.post], step)
        elif step.kind == "zone":
            move(made, step.zone)
        else:
            made.roll_up(DAYS[4])
    roll_up_all(made)
    roll_up_all(made)  # a changed time zone marks all posts again
    with made.scope() as scope:
        incremental = rows_of(scope, made.tenant_id)
        assert verification.find_errors(scope, made.creator_id, within=4000).count == 0
    rebuild_from_nothing(made)
    with made.scope() as scope:
        assert rows_of(scope, made.tenant_id) == incremental
    assert_sums(incremental)


def assert_sums(rows: dict[str, list[tuple[Any, ...]]]) -> None:
    for delivery, metric, value, before, earlier, _ in rows["latest"]:
        days = [row[4] for row in rows["posts"] if (row[1], row[3]) == (delivery, metric)]
        assert sum(days) == value + earlier - before
    counters = [row for row in rows["channels"] if row[2] in POST_COUNTERS]
    for channel, day, metric, value, _ in counters:
        of_posts = [
            row[4] for row in rows["posts"] if (row[0], row[2], row[3]) == (channel, day, metric)
        ]
        assert sum(of_posts) == value
    for _, day, views, interactions in rows["creators"]:
        found = {row[2]: row[3] for row in rows["channels"] if row[1] == day}
        assert views == found.get("views", 0)
        assert interactions == sum(found.get(name, 0) for name in INTERACTION_METRICS)


def test_only_touched_posts_are_computed_again(ledgers: CreatorHistory) -> None:
    first, second = ledgers.post(BEGIN), ledgers.post(BEGIN)
    for post in (first, second):
        store(ledgers, post, Step("read", value=10))
    ledgers.roll_up(DAYS[2])
    with ledgers.scope() as scope:
        before = scope.run(
            "SELECT updated_at FROM post_latest WHERE delivery_id = :d", d=first
        ).scalar_one()
        assert metric_rollups.roll_up_changes(scope) == 0
    store(ledgers, second, Step("read", age=24, value=30))
    with ledgers.scope() as scope:
        assert metric_rollups.roll_up_changes(scope) == 1
        after = scope.run(
            "SELECT updated_at FROM post_latest WHERE delivery_id = :d", d=first
        ).scalar_one()
        latest = metric_queries.load_latest_values(scope, [first, second])
    assert after == before
    assert latest == {first: {"views": 10}, second: {"views": 30}}


def test_missing_metrics_are_absent_not_zero(ledgers: CreatorHistory) -> None:
    post = ledgers.post(BEGIN)
    store(ledgers, post, Step("read", value=7, age=24))
    ledgers.roll_up(DAYS[2])
    with ledgers.scope() as scope:
        days = metric_queries.load_channel_days(
            scope, [ledgers.creator_id], POST_COUNTERS, DAYS[0], DAYS[-1]
        )
        at_age = metric_queries.load_post_values(
            scope, [ledgers.creator_id], POST_COUNTERS, age_hours=24, first=DAYS[2], last=DAYS[2]
        )
        other_age = metric_queries.load_post_values(
            scope, [ledgers.creator_id], POST_COUNTERS, age_hours=168, first=DAYS[2], last=DAYS[2]
        )
    assert [(one.metric, one.value, one.channel_id) for one in days] == [
        ("views", 7, ledgers.channel_id)
    ]
    assert at_age == {post: {"views": 7}}
    assert other_age == {}


def test_nightly_verification_corrects_and_reports_errors(
    ledgers: CreatorHistory, cluster: Cluster
) -> None:
    with ledgers.scope() as scope:
        at = scope.now - timedelta(days=3)
    day = local_day(at, ledgers.zone)
    ledgers.sale(at, 500)
    post = ledgers.post(at)
    store(ledgers, post, Step("read", value=40), at=at)
    ledgers.roll_up(day)
    with psycopg.connect(cluster.url("postgres", "house").replace("+psycopg", "")) as owner:
        tenant = {"t": ledgers.tenant_id}
        for change in (
            "ledger_transactions SET created_at = created_at - interval '2 hours'",
            "post_latest SET value = 9",
            "channel_days SET value = 3",
            "sales_daily SET gross_minor = 1",
            "rollup_statuses SET verified_on = NULL",
        ):
            owner.execute(f"UPDATE {change} WHERE tenant_id = %(t)s", tenant)
    with ledgers.scope() as scope:
        errors = verification.verify_daily(scope, ledgers.creator_id)
        assert errors == RollupErrors((day,), (day,), (post,))
        assert verification.verify_daily(scope, ledgers.creator_id) is None
        messages = scope.run(
            "SELECT message ->> 'code' FROM notices WHERE tenant_id = :t", t=ledgers.tenant_id
        ).scalars()
        assert "rollup.corrected" in messages.all()
    ledgers.roll_up(day)
    assert [row.gross.minor for row in ledgers.sales_of(day)] == [500]
    with ledgers.scope() as scope:
        assert verification.find_errors(scope, ledgers.creator_id).count == 0
        assert metric_queries.load_latest_values(scope, [post]) == {post: {"views": 40}}


def test_time_zone_change_keeps_rollups_of_deleted_readings(ledgers: CreatorHistory) -> None:
    """Readings are deleted after three years; the days of their posts stay."""
    with ledgers.scope() as scope:
        morning = scope.now.replace(hour=9)
    old, recent = (morning - timedelta(days=days) for days in (1200, 30))
    first, second = ledgers.post(old), ledgers.post(recent)
    for post, at in ((first, old), (second, recent)):
        store(ledgers, post, Step("read", value=40), at=at)
        ledgers.roll_up(local_day(at, ledgers.zone))
    with ledgers.scope() as scope:
        scope.run("DELETE FROM metric_snapshots WHERE delivery_id = :d", d=first)
        before = rows_of(scope, ledgers.tenant_id)
        scope.run("DELETE FROM channel_days WHERE day = :day", day=old.date())
    move(ledgers, ZONES[1])
    with ledgers.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=ledgers.tenant_id)
        assert verification.apply_time_zone(scope, ledgers.creator_id)
        marked = scope.run(
            "SELECT delivery_id FROM metric_changes WHERE tenant_id = :t", t=ledgers.tenant_id
        )
        assert marked.scalars().all() == [second]
        days = scope.run(_DUE_DAYS, t=ledgers.tenant_id).scalars().all()
        assert min(days) >= str(scope.now.date() - timedelta(days=960))
        scope.run(
            "INSERT INTO metric_changes (tenant_id, id, creator_id, delivery_id)"
            " VALUES (:t, :id, :c, :d)",
            t=ledgers.tenant_id,
            id=uuid7(),
            c=ledgers.creator_id,
            d=first,
        )
    ledgers.roll_up(old.date())
    with ledgers.scope() as scope:
        after = rows_of(scope, ledgers.tenant_id)
    for name, place in (("posts", 1), ("latest", 0)):
        assert [row for row in after[name] if row[place] == first] == [
            row for row in before[name] if row[place] == first
        ]
    assert [row[2] for row in after["creators"] if row[1] == old.date()] == [40]


_DUE_DAYS = """
SELECT args ->> 'day' FROM outbox WHERE tenant_id = :t AND kind = 'day.rollup'
"""


def test_running_rollup_does_not_swallow_a_booked_day(ledgers: CreatorHistory) -> None:
    """While a day is rolled up, it may be booked, summed or found wrong."""
    day = DAYS[3]
    due = RollupDue(ledgers.tenant_id, ledgers.creator_id, day)
    with ledgers.scope() as scope:
        outbox.put(scope, due, dedupe=f"rollup:{ledgers.creator_id}:{day}")

    def count() -> int:
        with ledgers.scope() as scope:
            return scope.run(_DUE_DAYS, t=ledgers.tenant_id).scalars().all().count(str(day))

    ledgers.sale(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
    before = count()
    ledgers.roll_up(DAYS[9])
    assert count() == before + 1
    with ledgers.scope() as scope:
        metric_rollups.update_creator_days(scope, ledgers.creator_id, [day])
    assert count() == before + 2


def test_one_rollup_of_changes_at_a_time_and_none_is_lost(
    ledgers: CreatorHistory,
) -> None:
    """A second one returns at once; an event continues with the posts that are left."""
    for _ in range(2):
        store(ledgers, ledgers.post(BEGIN), Step("read", value=10))
    with ledgers.scope() as running, ledgers.scope() as scope:
        assert metric_rollups.roll_up_changes(running) == 2
        assert metric_rollups.roll_up_changes(scope) == 0
        running.session.rollback()
    due = RollupDue(ledgers.tenant_id, ledgers.creator_id, DAYS[8])
    daily_rollups.roll_up_day(due, tenant=ledgers.services.tenant, most=1)
    assert ledgers.work_of(DAYS[8]) is not None
    with ledgers.scope() as scope:
        assert str(DAYS[8]) in scope.run(_DUE_DAYS, t=ledgers.tenant_id).scalars().all()
    ledgers.roll_up(DAYS[8])
    with ledgers.scope() as scope:
        assert metric_rollups.roll_up_changes(scope) == 0
        assert len(rows_of(scope, ledgers.tenant_id)["latest"]) == 2


def test_posts_of_a_day_follow_the_zone_of_each_creator(ledgers: CreatorHistory) -> None:
    """The days of Paris and Kiritimati overlap by half."""
    with ledgers.scope() as scope:
        zone = "Pacific/Kiritimati"
        far = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=zone, languages=["fr"]
        )
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=far,
            platform="sandbox",
            surface="sandbox.post",
            account=f"zoe-{far}",
            name="Loin",
            base_url="http://127.0.0.1:1",
            token=None,
            zone=zone,
        )
    other = replace(ledgers, creator_id=far, channel_id=channel_id, zone=zone)
    day = date(2025, 3, 20)
    times = [datetime(2025, 3, 19, 9, tzinfo=UTC) + timedelta(hours=12 * one) for one in range(5)]
    made = {
        one.post(at): at
        for one in (ledgers, other)
        for at in times
        if local_day(at, one.zone) == day
    }
    for one in (ledgers, other):
        for at in times:
            if local_day(at, one.zone) != day:
                one.post(at)
    with ledgers.scope() as scope:
        creators, period = list_creators(scope), AnalyticsPeriod(day, day)
        found, newest = (
            [
                one.delivery_id
                for one in list_post_results(scope, creators, period, age_hours=LATEST, most=most)
            ]
            for most in (None, 1)
        )
    expected = sorted(made, key=lambda one: (-made[one].timestamp(), one))
    assert (found, newest) == (expected, expected[:1])
    assert len(found) == 4
