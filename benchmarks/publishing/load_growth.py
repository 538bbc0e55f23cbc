"""Growth of publishing: lateness with more scheduled posts and workers, and while another agency
has many posts due at once."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import create_engine, make_url, text

from benchmarks.publishing.growth_chart import LATENESS_PREFIX
from benchmarks.publishing.machine_growth import measure_machines
from benchmarks.publishing.world import (
    LATENCY_MS,
    BenchmarkWorld,
    create_world,
    measure_fairness,
    median,
    percentile_95,
    run_installation,
    run_scenario,
    schedule_bench_post,
)
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep, wall_now
from workers.installation.data_services import DATABASE_NAME, superuser_url
from workers.installation.folder import InstallationFolder, has_announced_ready
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT

EXTRA_POOL = 3
"""Number of connections of each worker beyond the first: the embedded server accepts 40."""

EVERY = timedelta(seconds=0.5)
"""Time between two posts of a case: a light load for one process, with enough posts for a p95 that
a single one does not change."""

LOOK_SECONDS = 0.2
READY_SECONDS = 60.0

FILL_SQL = Path(__file__).with_name("load_growth.sql")


@dataclass(frozen=True)
class LoadGrowthSize:
    """The numbers of rows, workers and posts."""

    rows: Sequence[int] = (1_000, 10_000, 100_000, 1_000_000)
    """Number of posts that are scheduled for a later day."""
    workers: Sequence[int] = (1, 2, 4)
    posts: int = 40
    """Number of posts in each case."""
    crowd: int = 10_000
    """Number of posts of one agency in the same second."""


WHOLE = LoadGrowthSize()
QUICK = LoadGrowthSize((1_000, 2_000), (1, 2), 6, 60)


def measure_load_growth(*, quick: bool = False) -> dict[str, float]:
    """Measure two installations, one after the other, and several machines. Takes about forty
    minutes, `quick` about four.

    `late_p95_s_<rows>_<workers>` and `late_p50_s_…`: lateness of two posts a second; `late_growth`:
    with one worker, the ratio of the lateness with the most rows to that with the fewest;
    `fair_most_s_10k`: the maximum lateness of a single post while another agency has ten thousand
    due at once. The figures of machines are those of `measure_machines`.
    """
    size = QUICK if quick else WHOLE
    found = _measure_growth(size) | {"fair_most_s_10k": _measure_fairness(size)}
    return found | measure_machines(quick=quick)


def _measure_fairness(size: LoadGrowthSize) -> float:
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name,
        run_installation(Path(name) / "home", latency_ms=LATENCY_MS, senders=1) as services,
    ):
        world = create_world(services)
        run_scenario(world, "first", size.posts, EVERY)
        return measure_fairness(world, size.crowd)


def _measure_growth(size: LoadGrowthSize) -> dict[str, float]:
    found: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name,
        run_installation(Path(name) / "home", latency_ms=LATENCY_MS, senders=1) as services,
    ):
        world = create_world(services)
        there = 0
        # The first posts of an installation fill its caches.
        run_scenario(world, "first", size.posts, EVERY)
        for rows in size.rows:
            started = monotonic()
            _load_deliveries(world, rows - there)
            found[f"filled_s_{_format_row_count(rows)}"] = monotonic() - started
            there = rows
            for workers in size.workers:
                case = f"{_format_row_count(rows)}_{workers}"
                with _run_more_senders(Path(name) / "home", workers - 1):
                    run = run_scenario(world, case, size.posts, EVERY)
                found |= {
                    LATENESS_PREFIX + case: percentile_95(run.lateness),
                    f"late_p50_s_{case}": median(run.lateness),
                }
    few, most = (
        found[f"{LATENESS_PREFIX}{_format_row_count(rows)}_1"]
        for rows in (size.rows[0], size.rows[-1])
    )
    return {**found, "late_growth": most / few}


def _format_row_count(rows: int) -> str:
    return f"{rows // 1_000_000}m" if rows >= 1_000_000 else f"{rows / 1_000:g}k"


def _load_deliveries(world: BenchmarkWorld, rows: int) -> None:
    """Write copies of a scheduled post, on all accounts and over the next year, as the superuser.

    The vacuum of a million rows that were written within a minute runs before the measurement: no
    installation schedules in this way.
    """
    share = -(-rows // len(world.channels))
    engine = create_engine(make_url(superuser_url(world.settings)).set(database=DATABASE_NAME))
    for tenant_id, creator_id, channel_id in world.channels:
        post_id = _schedule_template_post(world, (tenant_id, creator_id, channel_id), share)
        with engine.begin() as connection:
            params = {"post": post_id, "channel": channel_id, "share": share}
            for statement in FILL_SQL.read_text(encoding="utf-8").split(";\n\n"):
                connection.execute(text(statement), params)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM (ANALYZE) posts, deliveries, outbox"))
        connection.execute(text("CHECKPOINT"))
    engine.dispose()


def _schedule_template_post(
    world: BenchmarkWorld, account: tuple[UUID, UUID, UUID], share: int
) -> UUID:
    """Schedule a post a day ahead through the ordinary functions, as the template of the copies."""
    tenant_id, creator_id, channel_id = account
    at = wall_now().replace(microsecond=0) + timedelta(days=1)
    mark = f"scale-{channel_id}-{share}"
    return schedule_bench_post(world.services.tenant, tenant_id, (creator_id, channel_id), mark, at)


@contextmanager
def _run_more_senders(folder: Path, count: int) -> Iterator[None]:
    """Run this number of additional sending processes during the block."""
    with ExitStack() as stack:
        for number in range(count):
            stack.enter_context(_one_more(folder, number))
        yield


@contextmanager
def _one_more(folder: Path, number: int) -> Iterator[None]:
    name = f"send-more-{number}"
    environment = settings.child_environment(folder, code=CODE_ROOT)
    environment |= {
        "GREENROOM_ENVIRONMENT": "test",
        "GREENROOM_WORKERS__SEND_POOL": str(EXTRA_POOL),
    }
    command: Sequence[str] = (
        sys.executable,
        "-m",
        "workers.run",
        name,
        "workers.processes.queue_workers:run_sender",
        "--probes",
        "0",
    )
    process = spawn_process(
        list(command),
        InstallationFolder(folder).log_file(name),
        environment=environment,
    )
    until = monotonic() + READY_SECONDS
    while (
        not has_announced_ready(InstallationFolder(folder), name, process.pid)
        and monotonic() < until
    ):
        sleep(LOOK_SECONDS)
    try:
        yield
    finally:
        process.terminate()
        process.wait(READY_SECONDS)
