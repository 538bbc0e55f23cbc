"""What the outbox carries: events handled per second through every real part, claims per second under a full table."""

import multiprocessing
import secrets
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import ClassVar
from uuid import UUID

import redis
from sqlalchemy import create_engine, text

from foundation.db.database import Database, OpenScope
from foundation.errors import Unavailable
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import row_leases
from foundation.outbox.fan_out import FactListeners
from foundation.outbox.outbox import Queue
from migrations import upgrading
from workers.installation import ports
from workers.relay import celery_app
from workers.relay.claim_loop import Relay, celery_sender
from workers.relay.dispatch import RELAY_ACTOR, Dispatcher, EventRoute, EventRoutes
from workers.runtime import embedded_servers

ROWS, DUE, TENANTS, LANES_EACH = 1_000_000, 10_000, 1_000, 3
BATCH = 50
HANDLED = 6_000
WARM = 500
"""Events handled before the clock starts: connections open, statements prepared."""
START_SECONDS = 60.0


@dataclass(frozen=True)
class NoOpEvent:
    """An event whose handler does nothing."""

    kind: ClassVar[str] = "bench.nothing"
    queue: ClassVar[Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class BenchmarkServers:
    """A PostgreSQL (durable, as in production) and a Redis of this benchmark alone."""

    superuser_url: str
    work_url: str
    redis_url: str


def measure_outbox() -> dict[str, float]:
    """Start servers of its own, measure, stop them. Takes about two minutes.

    handle_per_s: relay in its own process, Redis, a Celery worker of 32 threads; no-op handlers, no lanes.
    claims_per_s: claim, take and finish in batches of 50, of 10,000 due rows in 1 M, 1,000 tenants, 3,000 lanes.
    Raises Unavailable when a server does not start.
    """
    with run_servers() as found:
        return {"handle_per_s": measure_handled_per_second(found), "claims_per_s": measure_claims_per_second(found)}


@contextmanager
def run_servers() -> Iterator[BenchmarkServers]:
    """The two servers, in a folder that goes with them."""
    password = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as name:
        folder = Path(name)
        config = folder / "redis.conf"
        config.touch(mode=0o600)
        config.write_text(f"requirepass {password}\n")
        embedded_servers.init_postgres(folder / "postgres", password)
        postgres_port, redis_port = ports.find_free_port(), ports.find_free_port()
        running = [
            embedded_servers.spawn_process(
                embedded_servers.postgres_command(folder / "postgres", postgres_port), folder / "log"
            ),
            embedded_servers.spawn_process(
                embedded_servers.redis_command(folder / "redis", redis_port, config), folder / "log"
            ),
        ]
        try:
            _wait_for(postgres_port)
            yield _prepare_servers(postgres_port, redis_port, password)
        finally:
            for server in running:
                server.send_signal(signal.SIGINT)  # at once, also when a figure failed and left its connections
            for server in running:
                server.wait(START_SECONDS)


def _wait_for(port: int) -> None:
    until = monotonic() + START_SECONDS
    while not embedded_servers.is_postgres_accepting(port):
        if monotonic() > until:
            raise Unavailable("bench.no_server")
        sleep(0.1)


def _prepare_servers(postgres_port: int, redis_port: int, password: str) -> BenchmarkServers:
    def url(user: str, database: str) -> str:
        return f"postgresql+psycopg://{user}:{password}@127.0.0.1:{postgres_port}/{database}"

    superuser, name = url("postgres", "postgres"), "bench"
    upgrading.prepare(superuser, name, passwords=dict.fromkeys(("owner", "work", "pages"), password))
    upgrading.upgrade(url("greenroom_owner", name), environment="test")
    redis_url = f"redis://:{password}@127.0.0.1:{redis_port}/0"
    redis.Redis.from_url(redis_url).ping()
    return BenchmarkServers(url("postgres", name), url("greenroom_work", name), redis_url)


def measure_handled_per_second(servers: BenchmarkServers) -> float:
    """Events per second from their rows to the end of their rows, through every part that is real."""
    database, done, lock = Database(servers.work_url, pool_size=8), [0], Lock()

    def nothing(_event: NoOpEvent) -> None:
        with lock:
            done[0] += 1

    dispatcher = Dispatcher(EventRoutes(EventRoute(NoOpEvent, nothing)), database.scope, database=database)
    broker = celery_app.make_celery_app(servers.redis_url, dispatcher.handle_event)
    relay = multiprocessing.get_context("spawn").Process(target=_run_relay, args=(servers,), daemon=True)
    _load_rows(servers, WARM)
    with celery_app.background_worker(broker, queues=("publish",), threads=32):
        relay.start()
        _wait_until_done(done, WARM)
        _load_rows(servers, HANDLED)
        before, started = done[0], monotonic()
        _wait_until_done(done, WARM + HANDLED)
        seconds = monotonic() - started
        relay.terminate()
        relay.join(START_SECONDS)
    database.close()
    return (WARM + HANDLED - before) / seconds


def _wait_until_done(done: list[int], count: int) -> None:
    until = monotonic() + 10 * START_SECONDS
    while done[0] < count:
        if monotonic() > until:
            raise Unavailable("bench.too_slow", done=done[0], wanted=count)
        sleep(0.02)


def _run_relay(servers: BenchmarkServers) -> None:
    database = Database(servers.work_url, pool_size=2)
    Relay(
        database, database.scope, celery_sender(celery_app.make_celery_app(servers.redis_url)), facts=FactListeners({})
    ).run_until_signal()


def measure_claims_per_second(servers: BenchmarkServers) -> float:
    """Rows claimed, taken and finished per second, while a million wait."""
    _load_rows(servers, DUE, waiting=ROWS - DUE, lanes=True)
    database, claimed = Database(servers.work_url, pool_size=2), 0
    started = monotonic()
    while claimed < DUE:
        rows = _claim_batch(database.scope)
        if not rows:
            raise Unavailable("bench.too_slow", done=claimed, wanted=DUE)
        with database.scope(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            for row in rows:
                taken = row_leases.take_row(scope, row.id, row.token, deadline=timedelta(seconds=30))
                claimed += taken is not None and row_leases.finish_row(scope, taken)
    seconds = monotonic() - started
    database.close()
    return claimed / seconds


def _claim_batch(tenant: OpenScope) -> list[row_leases.ClaimedRow]:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        return row_leases.claim_rows(scope, "publish", places=BATCH, room=BATCH)


_LOAD = """
INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, lane, holds_lane, priority, available_at,
  state, tries, trace_id)
SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(n % :tenants), 12, '0'))::uuid, gen_random_uuid(), 'bench.nothing', 1,
  gen_random_uuid(), '{}', 'publish', CASE WHEN :lanes THEN 'channel:' || (n / :tenants) % :each END, false, 5,
  CASE WHEN n < :due THEN house_now() - interval '1 hour' + n * interval '1 ms'
       ELSE house_now() + interval '1 day' + n * interval '1 ms' END, 'waiting', 0, 'bench'
FROM generate_series(0, :total - 1) n
"""


def _load_rows(servers: BenchmarkServers, due: int, *, waiting: int = 0, lanes: bool = False) -> None:
    """Write rows as the superuser: loading is not what is measured."""
    engine = create_engine(servers.superuser_url)
    with engine.begin() as connection:
        tenants = TENANTS if lanes else 20
        values = {"tenants": tenants, "lanes": lanes, "each": LANES_EACH, "due": due, "total": due + waiting}
        connection.execute(text(_LOAD), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE outbox"))
        connection.execute(text("SELECT pg_notify('outbox', '')"))
    engine.dispose()
