"""Greenroom compared with a plain task queue on the same posts: lateness, cost, faults, and a slow
platform."""

import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import psutil
from celery import Celery

from benchmarks.publishing import fault_outcomes, plain_celery
from benchmarks.publishing.plain_celery import PlainWorker
from benchmarks.publishing.world import (
    ACCOUNTS,
    CAPTION,
    LATENCY_MS,
    PATIENCE_SECONDS,
    READ_SECONDS,
    BenchmarkWorld,
    ConnectionPeak,
    ScenarioResult,
    cpu_seconds,
    create_world,
    measure_fairness,
    median,
    open_sandbox_account,
    percentile_95,
    run_installation,
    run_scenario,
    sandbox_arrivals,
    seconds_until,
)
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep, wall_now
from workers.installation.folder import InstallationFolder
from workers.installation.ports import is_free
from workers.installation.state_file import read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT

LEAD = timedelta(seconds=6)
TURN = timedelta(seconds=1.25)
"""Time between two posts of the light run, in which both sides post alternately."""

SLOW_MS = 2_000
SLOW_PORTS = range(29_300, 29_400)


@dataclass(frozen=True)
class ComparisonSize:
    """The number of posts in each scenario."""

    light: int = 24
    light_every: timedelta = timedelta(seconds=2.5)
    """Time between two posts of a side. Twelve posts a minute would be one every 5 s; half of that
    interval shortens the run and is still a light load."""
    burst: int = 120
    stream: int = 600
    """Number of posts due at once, to measure the rate of publishing."""
    many: int = 300
    """Number of posts of an agency due at once, while another agency has single ones."""
    slow: int = 150
    """Number of posts due at once while every call takes two seconds."""
    faults: fault_outcomes.FaultBenchmarkSize = fault_outcomes.FULL_SIZE


WHOLE = ComparisonSize()
QUICK = ComparisonSize(3, timedelta(seconds=0.5), 12, 12, 12, 6, fault_outcomes.QUICK_SIZE)


def measure_publishing(*, quick: bool = False) -> dict[str, float]:
    """Start an installation, post on both sides and stop it; `plain_*` are the figures of the task
    queue.

    Takes about thirteen minutes. `quick` takes about two: with few posts and faults, its figures
    prove only that the benchmark runs.
    """
    size = QUICK if quick else WHOLE
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        folder = Path(name)
        with run_installation(folder / "home", latency_ms=LATENCY_MS) as services:
            world = create_world(services)
            redis_url = world.settings.redis.url.get_secret_value()
            with plain_celery.run_plain_worker(redis_url, folder / "plain.log") as worker:
                sides = ComparisonSides(world, plain_celery.make_plain_app(redis_url), worker)
                found = _compare_speed(sides, size) | _measure_slow_network(
                    sides, size.slow, folder
                )
                return found | fault_outcomes.measure_faults(world, sides.app, worker, size.faults)


@dataclass(frozen=True)
class ComparisonSides:
    """Both sides of the comparison, in one run."""

    world: BenchmarkWorld
    app: Celery
    worker: PlainWorker

    def plain(
        self,
        world: BenchmarkWorld,
        name: str,
        count: int,
        gap: timedelta,
        *,
        shift: timedelta = LEAD,
    ) -> "PlainPosts":
        """Schedule `count` posts on the plain queue's accounts, the first one `shift` from now."""
        accounts = [f"plain-{number}" for number in range(ACCOUNTS)]
        tokens = {account: open_sandbox_account(world.network_url, account) for account in accounts}
        start = wall_now().replace(microsecond=0) + shift
        where = [(accounts[number % ACCOUNTS], start + gap * number) for number in range(count)]
        posts = {f"{CAPTION} plain {name} {number}": one for number, one in enumerate(where)}
        plain_celery.schedule_plain_posts(self.app, world.network_url, tokens, posts)
        return PlainPosts(world, accounts, posts)


@dataclass(frozen=True)
class PlainPosts:
    """Posts scheduled on the plain queue: text -> account and time."""

    world: BenchmarkWorld
    accounts: Sequence[str]
    posts: Mapping[str, tuple[str, datetime]]

    def run(self, worker: PlainWorker) -> ScenarioResult:
        """Wait for the posts. Their cost is that of the worker, the test network and Redis. Raises
        RuntimeError if a post never arrives."""
        paid = [
            psutil.Process(pid)
            for pid in (worker.pid, *_list_pids(self.world, "sandbox", "redis").values())
        ]
        due = {text: at for text, (_, at) in self.posts.items()}
        sleep(seconds_until(min(due.values())))
        before = cpu_seconds(paid)
        until = monotonic() + seconds_until(max(due.values())) + PATIENCE_SECONDS
        seen: Mapping[str, Sequence[datetime]] = {}
        while not due.keys() <= seen.keys():
            if monotonic() > until:
                raise RuntimeError(f"{len(due.keys() - seen.keys())} plain posts never arrived")
            sleep(READ_SECONDS)
            if wall_now() > max(due.values()):
                seen = sandbox_arrivals(
                    self.world.network_url, self.accounts, latency_ms=self.world.latency_ms
                )
        return ScenarioResult.from_arrivals(
            due, {text: seen[text][0] for text in due}, cpu_seconds(paid) - before
        )


def _compare_speed(sides: ComparisonSides, size: ComparisonSize) -> dict[str, float]:
    """Return lateness, rate, cost and connections of both sides; the light run of both at once, the
    others in sequence."""
    world = sides.world
    watched = ConnectionPeak(sides.world.settings)
    ours = partial(run_scenario, world, watched=watched)
    planned = sides.plain(world, "light", size.light, size.light_every, shift=LEAD + TURN)
    light = ours("light", size.light, size.light_every)
    plain_light = planned.run(sides.worker)
    gap = timedelta(seconds=1) / size.burst
    burst = ours("burst", size.burst, gap)
    plain_burst = sides.plain(world, "burst", size.burst, gap).run(sides.worker)
    stream = ours("stream", size.stream, timedelta(0))
    plain_stream = sides.plain(world, "stream", size.stream, timedelta(0)).run(sides.worker)
    fair = measure_fairness(world, size.many, watched=watched)
    return {
        **_summarize_side("", light, burst, stream),
        "db_connections": float(watched.most),
        **{f"db_connections_{name}": float(count) for name, count in watched.whose.items()},
        "redis_connections": float(
            _count_connections(_list_pids(world).values(), world.settings.workers.redis_port)
        ),
        "fair_most_s": fair,
        **_summarize_side("plain_", plain_light, plain_burst, plain_stream),
        "posts_of_plain": stream.per_second / plain_stream.per_second,
        "cpu_of_plain": stream.cpu_ms / plain_stream.cpu_ms,
        "plain_db_connections": float(
            _count_connections([sides.worker.pid], world.settings.workers.postgres_port)
        ),
        "plain_redis_connections": float(
            _count_connections([sides.worker.pid], world.settings.workers.redis_port)
        ),
    }


def _summarize_side(
    side: str, light: ScenarioResult, burst: ScenarioResult, stream: ScenarioResult
) -> dict[str, float]:
    return {
        f"{side}light_p50_s": median(light.lateness),
        f"{side}light_p95_s": percentile_95(light.lateness),
        f"{side}burst120_p50_s": median(burst.lateness),
        f"{side}burst120_p95_s": percentile_95(burst.lateness),
        f"{side}posts_per_s": stream.per_second,
        f"{side}cpu_ms_per_post": stream.cpu_ms,
    }


def _list_pids(world: BenchmarkWorld, *names: str) -> dict[str, int]:
    """Return the running processes of the installation by name: all, or those named."""
    running = read_status(InstallationFolder(world.settings.home)).processes
    return {
        one.name: one.pid
        for one in running
        if one.pid is not None and (one.name in names or not names)
    }


def _count_connections(pids: Iterable[int], port: int) -> int:
    """Return the number of connections of processes to a port."""
    held = [line for pid in pids for line in psutil.Process(pid).net_connections("tcp")]
    return sum(
        1
        for line in held
        if line.raddr and line.raddr[1] == port and line.status == psutil.CONN_ESTABLISHED
    )


def _measure_slow_network(sides: ComparisonSides, count: int, folder: Path) -> dict[str, float]:
    """Return the rate while every call takes two seconds, also as a share of lanes / latency, the
    upper bound."""
    with _slow_network(folder / "slow") as base:
        world = create_world(sides.world.services, name="slow", base=base, latency_ms=SLOW_MS)
        ours = run_scenario(world, "slow", count, timedelta(0)).per_second
        plain = sides.plain(world, "slow", count, timedelta(0)).run(sides.worker).per_second
    most = ACCOUNTS / (SLOW_MS / 1000)
    return {"slow_posts_per_s": ours, "slow_of_lanes": ours / most, "plain_slow_posts_per_s": plain}


@contextmanager
def _slow_network(folder: Path) -> Iterator[str]:
    """Run a second test network whose calls take two seconds, and yield its address."""
    port = next(port for port in SLOW_PORTS if is_free("127.0.0.1", port))
    environment = settings.child_environment(folder, code=CODE_ROOT)
    environment |= {
        "GREENROOM_ENVIRONMENT": "test",
        "GREENROOM_SANDBOX__PORT": str(port),
        "GREENROOM_SANDBOX__LATENCY_MS": str(SLOW_MS),
    }
    command = [
        sys.executable,
        "-m",
        "workers.run",
        "sandbox",
        "workers.processes.sandbox_server:run_sandbox",
        "--probes",
        "0",
    ]
    process = spawn_process(
        command, InstallationFolder(folder).log_file("sandbox"), environment=environment
    )
    try:
        until = monotonic() + PATIENCE_SECONDS
        while is_free("127.0.0.1", port) and process.poll() is None and monotonic() < until:
            sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)
