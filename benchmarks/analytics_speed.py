"""Speed of analytics beside ever more readings: storing readings, building their rollups, and
reading what the pages show.

Up to twenty agencies share the readings, each with sales of its creators in the ledger. A page read
calls the function that the view calls, for a random agency with all its creators.
"""

import gc
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from statistics import quantiles
from uuid import UUID

from sqlalchemy import Connection, Engine, create_engine, text

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.publishing.growth_chart import ANALYTICS_PREFIX, parse_post_count
from benchmarks.servers import run_servers
from channels.accounts import lifecycle
from foundation.db.bulk_insert import discard_plans
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from insights.metrics.events import READING_AGES
from insights.rollups import (
    audience,
    channel_results,
    costs,
    metric_rollups,
    overview,
    post_results,
    sales_analysis,
    verification,
)
from insights.rollups.history_import import PastReading, import_past_readings
from insights.rollups.periods import AnalyticsPeriod
from schedules.imports.history_import import PastPost, import_past_posts
from schedules.posts import live_posts
from tenants.agencies import agencies, queries
from tenants.agencies.queries import Creator

SIZES = ("10k", "1m", "10m")
"""Readings in the database."""

QUICK_SIZES = ("10k",)
MAX_AGENCIES = 20
POSTS_PER_AGENCY = 50
"""Minimum number of posts of an agency, so that few readings are those of few agencies."""

CREATORS = 5
DAYS = 400
AGES = tuple(sorted({*READING_AGES, *range(48, 432, 24)}))
METRICS = ("views", "reach", "likes", "comments", "shares")
READINGS_PER_POST = len(AGES) * len(METRICS)
POSTS_AT_ONCE = 2000
LIVE_POSTS = 100
"""Posts of the first agency whose readings are stored by the product, at most half of them."""

MARKED_POSTS = 1000
"""Posts of the first agency whose rollups are built by the product, at most a quarter of them. The
others are generated, because ten million readings would take a quarter of an hour."""

SALES_PER_CREATOR = 800

ROUNDS = 100
PERIODS = {"month": 28, "year": 365}
"""Days of the periods that the pages are read for."""

BENCH_ACTOR = "system:bench"
ZONE = "Europe/Paris"
ANALYTICS_SQL = Path(__file__).with_name("analytics_speed.sql")

ReadPage = Callable[[Scope, Sequence[Creator], AnalyticsPeriod], object]
PAGES: Mapping[str, ReadPage] = {
    "overview": overview.load_overview,
    "content": lambda scope, creators, period: post_results.list_post_results(
        scope, creators, period, age_hours=post_results.COMPARED_AGES[0]
    ),
    "channels": channel_results.list_channel_results,
    "sales": sales_analysis.load_sales_analysis,
    "audience": audience.load_audience,
    "costs": lambda scope, creators, period: costs.load_costs(
        scope, creators, period.first, period.last
    ),
}
"""The reads of each view of Analytics."""


@dataclass(frozen=True)
class BenchAgency:
    """An agency with its creators, each with one account."""

    tenant_id: UUID
    creators: tuple[tuple[UUID, UUID], ...]
    """Creators and their accounts."""


def measure_analytics(*, quick: bool = False) -> dict[str, float]:
    """Return seconds (storing 1,000 readings, rollups of `LIVE_POSTS` posts with new readings, p95
    of page reads), readings per second, and milliseconds, by number of readings."""
    figures: dict[str, float] = {}
    for size in QUICK_SIZES if quick else SIZES:
        figures |= measure_size(size)
    return figures


def measure_size(size: str) -> dict[str, float]:
    """Return the figures of a database with `size` readings, such as `10k`."""
    dice = random.Random(BENCHMARK_SEED)  # noqa: S311  not used for secrets
    with run_servers() as servers:
        database = Database(servers.work_url, pool_size=2, application="bench")
        engine = create_engine(servers.superuser_url)
        tenant: OpenScope = database.scope
        try:
            made, live = _fill(tenant, engine, size, dice)
            ingest = _measure_ingest(tenant, made[0], live)
            readings = _analyze(engine)
            begun = monotonic()
            posts = _roll_up(tenant, made[0])
            backlog = posts * READINGS_PER_POST / (monotonic() - begun)
            _check_rollups(tenant, made)
            _analyze(engine)
            lag = _measure_lag(tenant, made[0], live, engine.connect)
            reads = _measure_reads(tenant, made, dice)
        finally:
            database.close()
            engine.dispose()
    every = [each for taken in reads.values() for each in taken]
    return {
        f"analytics_readings_{size}": float(readings),
        f"analytics_ingest_per_s_{size}": 1000 / ingest,
        f"analytics_rollup_per_s_{size}": backlog,
        f"analytics_read_p95_ms_{size}": _p95(every) * 1000,
        f"{ANALYTICS_PREFIX}{size}_ingest": ingest,
        f"{ANALYTICS_PREFIX}{size}_rollup": lag,
        **{
            f"{ANALYTICS_PREFIX}{size}_{page}": _p95(taken)
            for (page, period), taken in reads.items()
            if period == "month"
        },
        f"{ANALYTICS_PREFIX}{size}_year": max(
            _p95(taken) for (_, period), taken in reads.items() if period == "year"
        ),
    }


def _fill(
    tenant: OpenScope, engine: Engine, size: str, dice: random.Random
) -> tuple[list[BenchAgency], int]:
    """Create agencies with posts and readings. Return them, and the number of posts of the first
    one without readings."""
    total = parse_post_count(size) // READINGS_PER_POST
    count = min(MAX_AGENCIES, total // POSTS_PER_AGENCY)
    live = min(LIVE_POSTS, total // count // 2)
    made = [_create_agency(tenant, number) for number in range(count)]
    for one in made:
        _import_posts(tenant, one, total // count, dice)
        with engine.begin() as connection:
            marked = min(MARKED_POSTS, total // count // 4)
            _generate_readings(connection, one, *((live, marked) if one is made[0] else (0, 0)))
    return made, live


def _analyze(engine: Engine) -> int:
    """Refresh the statistics of the tables, and return the number of readings."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE)"))
        return int(connection.execute(text("SELECT count(*) FROM metric_snapshots")).scalar_one())


def _p95(taken: list[float]) -> float:
    return quantiles(taken, n=20)[-1]


def _create_agency(tenant: OpenScope, number: int) -> BenchAgency:
    tenant_id = uuid7()
    with tenant(tenant_id, BENCH_ACTOR) as scope:
        agencies.create_agency(scope, name=f"Bench {number}", language="en", zone=ZONE)
        return BenchAgency(
            tenant_id, tuple(_add_creator(scope, number, each) for each in range(CREATORS))
        )


def _add_creator(scope: Scope, number: int, each: int) -> tuple[UUID, UUID]:
    creator_id = agencies.add_creator(
        scope,
        slug=f"creator-{each}",
        name=f"Creator {each}",
        kind="virtual",
        zone=ZONE,
        languages=["en"],
    )
    channel_id = lifecycle.connect_account(
        scope,
        creator_id=creator_id,
        platform="sandbox",
        surface="sandbox.post",
        account=f"bench-{number}-{each}",
        name="Bench",
        base_url="http://127.0.0.1:1",
        token=None,
        zone=ZONE,
    )
    return creator_id, channel_id


def _import_posts(tenant: OpenScope, one: BenchAgency, posts: int, dice: random.Random) -> None:
    with tenant(one.tenant_id, BENCH_ACTOR) as scope:
        now = scope.now
        discard_plans(scope)
    for first in range(0, posts, POSTS_AT_ONCE):
        count = min(POSTS_AT_ONCE, posts - first)
        with tenant(one.tenant_id, BENCH_ACTOR) as scope:
            import_past_posts(scope, [_build_post(one, now, dice) for _ in range(count)])


def _build_post(one: BenchAgency, now: datetime, dice: random.Random) -> PastPost:
    creator_id, channel_id = dice.choice(one.creators)
    at = now - timedelta(minutes=dice.randrange(60 * 24, DAYS * 60 * 24))
    key = uuid7()
    return PastPost(
        id=key,
        creator_id=creator_id,
        channel_id=channel_id,
        title="",
        body="hello",
        media=(),
        author=BENCH_ACTOR,
        text_ai="none",
        wall_time=f"{at:%Y-%m-%dT%H:%M}",
        zone="UTC",
        due_at=at,
        published_at=at,
        native_id=str(key),
    )


def _generate_readings(connection: Connection, one: BenchAgency, live: int, marked: int) -> None:
    now = connection.execute(text("SELECT house_now()")).scalar_one()
    values = {
        "tenant": one.tenant_id,
        "ages": list(AGES),
        "live": live,
        "marked": marked,
        "now": now,
        "days": DAYS,
        "sales": SALES_PER_CREATOR,
        "first": now.date() - timedelta(days=DAYS + 1),
        "last": now.date(),
    }
    for statement in ANALYTICS_SQL.read_text(encoding="utf-8").split(";\n\n"):
        connection.execute(text(statement), values)


def _oldest_posts(
    scope: Scope, one: BenchAgency, live: int
) -> list[tuple[UUID, UUID, UUID, datetime]]:
    """Return the posts without readings: creator, account, delivery and time of publication."""
    found = []
    for creator_id, channel_id in one.creators:
        ids = live_posts.list_published_deliveries(
            scope, creator_id, scope.now - timedelta(days=DAYS + 2), scope.now
        )
        contents = live_posts.list_live_posts(scope, creator_id, ids)
        found += [(creator_id, channel_id, each.delivery_id, each.at) for each in contents]
    found.sort(key=lambda each: (each[3], each[2]))
    return found[:live]


def _readings_of(
    posts: list[tuple[UUID, UUID, UUID, datetime]], ages: tuple[int, ...]
) -> Iterator[PastReading]:
    for creator_id, channel_id, delivery_id, at in posts:
        for age in ages:
            for metric in METRICS:
                seen = at + timedelta(hours=age)
                yield PastReading(
                    creator_id, delivery_id, channel_id, metric, age, 10 * age + 5, seen
                )


def _measure_ingest(tenant: OpenScope, one: BenchAgency, live: int) -> float:
    """Store the readings of `live` posts; return the seconds per 1,000."""
    with tenant(one.tenant_id, BENCH_ACTOR) as scope:
        found = list(_readings_of(_oldest_posts(scope, one, live), AGES[:-1]))
    begun = monotonic()
    with tenant(one.tenant_id, BENCH_ACTOR) as scope:
        import_past_readings(scope, found)
    return (monotonic() - begun) * 1000 / len(found)


def _check_rollups(tenant: OpenScope, made: Sequence[BenchAgency]) -> None:
    """Raise RuntimeError unless the rollups of the first and the last agency add up to their
    readings and their ledger."""
    for one in {made[0], made[-1]}:
        with tenant(one.tenant_id, BENCH_ACTOR) as scope:
            for creator_id, _ in one.creators:
                errors = verification.find_errors(scope, creator_id, within=DAYS)
                if errors.count:
                    raise RuntimeError(f"the rollups of {errors.count} days and posts are wrong")


def _roll_up(tenant: OpenScope, one: BenchAgency) -> int:
    return metric_rollups.roll_up_pending_changes(
        one.tenant_id, BENCH_ACTOR, tenant=tenant, most=10**9
    )


def _measure_lag(
    tenant: OpenScope, one: BenchAgency, live: int, connect: Callable[[], Connection]
) -> float:
    """Store one more reading of `live` posts; return the seconds for `LIVE_POSTS` from its commit
    until the rollups contain it."""
    with tenant(one.tenant_id, BENCH_ACTOR) as scope:
        found = list(_readings_of(_oldest_posts(scope, one, live), AGES[-1:]))
        import_past_readings(scope, found)
    begun = monotonic()
    done = _roll_up(tenant, one)
    taken = monotonic() - begun
    with connect() as connection:
        left = connection.execute(text("SELECT count(*) FROM metric_changes")).scalar_one()
    if left or not done:
        raise RuntimeError("the rollups did not contain the new readings")
    return taken * LIVE_POSTS / live


def _measure_reads(
    tenant: OpenScope, made: list[BenchAgency], dice: random.Random
) -> dict[tuple[str, str], list[float]]:
    """Return the seconds of each read by page and period."""
    gc.collect()
    gc.freeze()  # as the dashboard does: a collection over all loaded code takes 200 ms
    found: dict[tuple[str, str], list[float]] = {
        (page, period): [] for page in PAGES for period in PERIODS
    }
    for _ in range(ROUNDS):
        for (page, period), taken in found.items():
            one = dice.choice(made)
            with tenant(one.tenant_id, BENCH_ACTOR) as scope:
                last = scope.now.date()
                days = timedelta(days=PERIODS[period] - 1)
                begun = monotonic()
                PAGES[page](scope, queries.list_creators(scope), AnalyticsPeriod(last - days, last))
                taken.append(monotonic() - begun)
    return found
