"""Growth of publishing with machines: the rate with one, two and four, the loss of one in the
middle of its work, and two devices that generate.

Each call to the test network takes two seconds, so the rate follows the number of requests that may
be in progress at once, and not the processor.
"""

import multiprocessing
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Thread

from sqlalchemy import create_engine, text

from benchmarks.publishing.growth_chart import MACHINES_PREFIX
from benchmarks.publishing.machines import Machine, SharedServices, run_machine, share_services
from benchmarks.publishing.world import BenchmarkWorld, create_world, run_scenario
from benchmarks.servers import BenchmarkServers, run_relay, run_servers
from foundation.db.database import Database
from foundation.errors import Unavailable
from foundation.ids import uuid7
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import outbox, worker_registry
from foundation.outbox.outbox import Event
from foundation.outbox.worker_registry import WorkerProcess
from studio.runs.device_queue import model_group
from studio.runs.events import RunDue
from workers.relay import celery_app
from workers.relay.dispatch import Dispatcher, EventRoute, EventRoutes
from workers.wiring import build_services

SLOW_MS = 2_000
ACCOUNTS = 180
LOOK_SECONDS = 0.1
FAILOVER_SECONDS = 60.0


@dataclass(frozen=True)
class MachineGrowthSize:
    """The numbers of machines, posts and generated pictures."""

    machines: Sequence[int] = (1, 2, 4)
    posts: int = 240
    """Number of posts for each machine of a case."""
    failing: int = 240
    """Number of posts while a machine is lost."""
    runs: int = 16
    run_seconds: float = 1.0
    """Duration of a run on a stand-in for a GPU, which only waits."""


WHOLE = MachineGrowthSize()
QUICK = MachineGrowthSize((1, 2), 30, 30, 6, 0.5)


def measure_machines(*, quick: bool = False) -> dict[str, float]:
    """Measure several machines in network namespaces. Takes about six minutes.

    `machines_posts_per_s_<n>`: posts per second of n machines; `machines_ratio_2`: the rate of two
    divided by that of one; `failover_s`: from the loss of the machine with the leading relay to the
    lead of another; `failing_lost`, `failing_doubled`: posts lost and sent twice in this case;
    `devices_ratio_2`: the rate of two stand-ins for a GPU divided by that of one. Raises
    Unavailable without root.
    """
    size = QUICK if quick else WHOLE
    found: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        Path(name).chmod(0o755)
        with (
            share_services(Path(name), latency_ms=SLOW_MS) as shared,
            build_services(shared.settings, pool_size=2, application="bench") as services,
        ):
            world = create_world(
                services, base=shared.network_url, latency_ms=SLOW_MS, accounts=ACCOUNTS
            )
            for count in size.machines:
                found[f"{MACHINES_PREFIX}{count}"] = _measure_rate(
                    shared, world, count, count * size.posts
                )
            found |= _measure_loss(shared, world, size.failing)
    found["machines_ratio_2"] = found[f"{MACHINES_PREFIX}2"] / found[f"{MACHINES_PREFIX}1"]
    return found | _measure_devices(size)


def _measure_rate(
    shared: SharedServices, world: BenchmarkWorld, machines: int, posts: int
) -> float:
    with ExitStack() as stack:
        for number in range(machines):
            stack.enter_context(run_machine(shared, number))
        run_scenario(world, f"first-{machines}", machines * 10, timedelta(0))
        return run_scenario(world, f"machines-{machines}", posts, timedelta(0)).per_second


def _measure_loss(shared: SharedServices, world: BenchmarkWorld, posts: int) -> dict[str, float]:
    """Take the machine with the leading relay off the network and kill its processes while half of
    the posts are still due; raises RuntimeError if a post is lost or sent twice."""
    took: list[float] = []
    with run_machine(shared, 0) as one, run_machine(shared, 1) as two:
        thread = Thread(target=_lose_leader, args=(shared, (one, two), posts, took), daemon=True)
        thread.start()
        run_scenario(world, "failing", posts, timedelta(seconds=0.1))
        thread.join(FAILOVER_SECONDS)
    if not took:
        raise Unavailable("bench.no_failover")
    return {"failover_s": took[0], "failing_lost": 0.0, "failing_doubled": 0.0}


def _lose_leader(
    shared: SharedServices, machines: Sequence[Machine], posts: int, took: list[float]
) -> None:
    """Wait until half of the posts arrived, and take the leading machine away."""
    while _count_published(shared) < posts / 2:
        sleep(LOOK_SECONDS)
    address = _leader_address(shared.servers)
    lost = next(machine for machine in machines if machine.address == address)
    started = monotonic()
    lost.disconnect()
    while _leader_address(shared.servers) in ("", address):
        if monotonic() - started > FAILOVER_SECONDS:
            return
        sleep(LOOK_SECONDS)
    took.append(monotonic() - started)
    lost.kill()


def _count_published(shared: SharedServices) -> int:
    engine = create_engine(shared.servers.superuser_url)
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT count(*) FROM deliveries d JOIN posts p ON p.tenant_id = d.tenant_id"
                " AND p.id = d.post_id WHERE p.body LIKE '% failing-%' AND d.state = 'published'"
            )
        ).scalar_one()
    engine.dispose()
    return int(found)


def _leader_address(servers: BenchmarkServers) -> str:
    """Return the address of the machine whose relay leads, or "" while none does."""
    engine = create_engine(servers.superuser_url)
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT host(a.client_addr) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
                " WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'relay'"
                " AND l.classid = 114 AND l.objid = 1701601657"
            )
        ).scalar()
    engine.dispose()
    return str(found or "")


def _measure_devices(size: MachineGrowthSize) -> dict[str, float]:
    """Return the ratio of the rates of two stand-ins for a GPU and of one."""
    with run_servers() as servers:
        seconds = {count: _run_devices(servers, size, count) for count in (1, 2)}
    return {"devices_ratio_2": seconds[1] / seconds[2]}


def _run_devices(servers: BenchmarkServers, size: MachineGrowthSize, devices: int) -> float:
    """Return the seconds from the first to the last end of the runs on this number of devices."""
    spawn = multiprocessing.get_context("spawn")
    running = [
        spawn.Process(target=_serve_device, args=(servers, number, size.run_seconds), daemon=True)
        for number in range(devices)
    ]
    running.append(spawn.Process(target=run_relay, args=(servers,), daemon=True))
    for process in running:
        process.start()
    database = Database(servers.work_url, pool_size=1)
    try:
        _put_runs(database, devices)  # the first runs wait until the processes are ready
        _wait_until_empty(database)
        started = monotonic()
        _put_runs(database, size.runs)
        _wait_until_empty(database)
        return monotonic() - started
    finally:
        database.close()
        for process in running:
            process.terminate()
            process.join(FAILOVER_SECONDS)


def _put_runs(database: Database, count: int) -> None:
    tenant_id = uuid7()
    with database.scope(tenant_id, "system:bench") as scope:
        for number in range(count):
            outbox.put(scope, RunDue(tenant_id, uuid7()), group=model_group(f"model-{number % 2}"))


def _wait_until_empty(database: Database) -> None:
    until = monotonic() + 2 * FAILOVER_SECONDS
    while True:
        with database.scope(uuid7(), "system:bench", role="relay") as scope:
            left = scope.run("SELECT count(*) FROM outbox").scalar_one()
        if not left:
            return
        if monotonic() > until:
            raise Unavailable("bench.too_slow", done=0, wanted=left)
        sleep(LOOK_SECONDS / 4)


def _serve_device(servers: BenchmarkServers, number: int, seconds: float) -> None:
    """Main function of a machine whose device only waits."""
    database = Database(servers.work_url, pool_size=2)

    def wait(_event: Event) -> None:
        sleep(seconds)

    dispatcher = Dispatcher(EventRoutes(EventRoute(RunDue, wait)), database.scope)
    worker = WorkerProcess(
        f"machine-{number}", "make", {"make": 2, "gpu": 1}, ("model-0", "model-1")
    )
    broker = celery_app.make_celery_app(servers.redis_url, dispatcher.handle_event)
    with worker_registry.keep_registered(dispatcher.scope, worker) as stop:
        celery_app.run_celery_worker(broker, queues=[worker.device_queue], threads=2, on_stop=stop)
