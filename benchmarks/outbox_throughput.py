"""Throughput of the outbox: events handled per second through all processes, and claims per second
in a full table."""

import multiprocessing
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import ClassVar
from uuid import UUID

from sqlalchemy import create_engine, text

from benchmarks.servers import START_SECONDS, BenchmarkServers, run_relay, run_servers
from foundation.db.database import Database, OpenScope
from foundation.errors import Unavailable
from foundation.ids import INSTALLATION_ID
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import row_leases, worker_registry
from foundation.outbox.outbox import Queue
from foundation.outbox.worker_registry import WorkerProcess
from workers.relay import celery_app
from workers.relay.dispatch import RELAY_ACTOR, Dispatcher, EventRoute, EventRoutes

ROWS = 1_000_000
DUE = 10_000
TENANTS = 1_000
LANES_EACH = 3
BATCH = 50
HANDLED = 6_000
WARM = 500
"""Events handled before the clock starts, to open connections and prepare statements."""


@dataclass(frozen=True)
class NoOpEvent:
    """An event whose handler does nothing."""

    kind: ClassVar[str] = "bench.nothing"
    queue: ClassVar[Queue] = "publish"
    tenant_id: UUID
    subject_id: UUID


def measure_outbox() -> dict[str, float]:
    """Start temporary servers, measure and stop them. Takes about two minutes.

    handle_per_s: a separate relay process, Redis, and a Celery worker with 32 threads; no-op
    handlers, no lanes. claims_per_s: claim, take and finish 10,000 due rows in batches of 50, in a
    table of 1 M rows with 1,000 tenants and 3,000 lanes. Raises Unavailable if a server does not
    start.
    """
    with run_servers() as found:
        return {
            "handle_per_s": measure_handled_per_second(found),
            "claims_per_s": measure_claims_per_second(found),
        }


def measure_handled_per_second(servers: BenchmarkServers) -> float:
    """Return the events per second from the insertion to the end of their rows, through every real
    process."""
    database = Database(servers.work_url, pool_size=8)
    done = [0]
    lock = Lock()

    def nothing(_event: NoOpEvent) -> None:
        with lock:
            done[0] += 1

    dispatcher = Dispatcher(
        EventRoutes(EventRoute(NoOpEvent, nothing)), database.scope, database=database
    )
    broker = celery_app.make_celery_app(servers.redis_url, dispatcher.handle_event)
    relay = multiprocessing.get_context("spawn").Process(
        target=run_relay, args=(servers,), daemon=True
    )
    _load_rows(servers, WARM)
    worker = WorkerProcess("bench", "send", {"publish": 32})
    with (
        celery_app.background_worker(broker, queues=("publish",), threads=32),
        worker_registry.keep_registered(dispatcher.scope, worker),
    ):
        relay.start()
        _wait_until_done(done, WARM)
        _load_rows(servers, HANDLED)
        before = done[0]
        started = monotonic()
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


def measure_claims_per_second(servers: BenchmarkServers) -> float:
    """Return the rows claimed, taken and finished per second, in a table of a million
    waiting rows."""
    _load_rows(servers, DUE, waiting=ROWS - DUE, lanes=True)
    database = Database(servers.work_url, pool_size=2)
    claimed = 0
    started = monotonic()
    while claimed < DUE:
        rows = _claim_batch(database.scope)
        if not rows:
            raise Unavailable("bench.too_slow", done=claimed, wanted=DUE)
        with database.scope(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
            for row in rows:
                taken = row_leases.take_row(
                    scope, row.id, row.token, deadline=timedelta(seconds=30)
                )
                claimed += taken is not None and row_leases.finish_row(scope, taken)
    seconds = monotonic() - started
    database.close()
    return claimed / seconds


def _claim_batch(tenant: OpenScope) -> list[row_leases.ClaimedRow]:
    with tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay") as scope:
        return row_leases.claim_rows(scope, "publish", places=BATCH, room=BATCH)


_LOAD = """
INSERT INTO outbox (tenant_id, id, kind, version, subject_id, args, queue, lane, holds_lane,
priority, available_at,
  state, tries, trace_id)
SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(n % :tenants), 12, '0'))::uuid,
gen_random_uuid(), 'bench.nothing', 1,
  gen_random_uuid(), '{}', 'publish', CASE WHEN :lanes THEN 'channel:' || (n / :tenants) % :each
  END, false, 5,
  CASE WHEN n < :due THEN house_now() - interval '1 hour' + n * interval '1 ms'
       ELSE house_now() + interval '1 day' + n * interval '1 ms' END, 'waiting', 0, 'bench'
FROM generate_series(0, :total - 1) n
"""


def _load_rows(
    servers: BenchmarkServers, due: int, *, waiting: int = 0, lanes: bool = False
) -> None:
    """Write rows as the superuser; loading is not measured."""
    engine = create_engine(servers.superuser_url)
    with engine.begin() as connection:
        tenants = TENANTS if lanes else 20
        values = {
            "tenants": tenants,
            "lanes": lanes,
            "each": LANES_EACH,
            "due": due,
            "total": due + waiting,
        }
        connection.execute(text(_LOAD), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE outbox"))
        connection.execute(text("SELECT pg_notify('outbox', '')"))
    engine.dispose()
