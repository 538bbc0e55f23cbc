"""The relay loop: claims due rows and dispatches them to Celery within the capacity of each queue.
It is the only sender of messages.

One relay leads, by a session lock; others wait. After an outage of PostgreSQL it reconnects
automatically; during an outage of Redis, rows are returned to the outbox.
"""

import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from threading import Event as Flag
from typing import Any

import psycopg
from celery import Celery
from kombu.exceptions import OperationalError as BrokerError
from redis import RedisError
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from foundation.db import clock_rollback
from foundation.db.database import Database, OpenScope, Scope
from foundation.ids import INSTALLATION_ID
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.outbox import row_leases
from foundation.outbox.fan_out import FACT_QUEUE, FactListeners, spread_facts
from foundation.outbox.lease_renewal import RENEWED_LEASE
from foundation.outbox.outbox import NOTIFY_CHANNEL, Queue
from foundation.outbox.row_leases import ClaimedRow, QueueState
from foundation.outbox.worker_registry import WORKERS_CHANGED, WorkerProcess
from workers.relay.beat import Beat, Tick
from workers.relay.capacity import QUEUE_GROUPS, Capacity, RunningWorkers
from workers.relay.celery_app import TASK_NAME
from workers.relay.dispatch import RELAY_ACTOR
from workers.relay.gpu_scheduler import GPU_QUEUE, DeviceSchedulers

log = telemetry.get_logger("workers.relay.claim_loop")

MAX_SLEEP_SECONDS = 1.0
SWEEP_EVERY = 5.0
LONG_ROUND_SECONDS = 5.0
"""Duration of a round after which the database counts as having been unavailable or overloaded.
Running workers then get the time of a lease to renew theirs before expired ones are swept."""

RETRY_SECONDS = 0.5
FULL_ROUND_ROWS = 8
ROUND_PAUSE = 0.03
MAX_ROUND_PAUSE = 0.25
"""Maximum pause after a round; `ROUND_PAUSE` is the minimum.

Every finished row wakes the relay. A round that dispatched fewer than `FULL_ROUND_ROWS` rows is
followed by a pause as long as it took, so that a backlog is processed in batches and the relay uses
at most half of PostgreSQL's time. Measured: a minimum pause of 10 ms takes twice as much processor
time per post as one of 30 ms, with which a lane waits 10 ms longer for its next row on average.
"""

_LEADING = 0x72656C6179
"""Session advisory lock of the leading relay ("relay" in ASCII)."""

LEAD_SECONDS = 0.5
"""Interval at which a standby tries to lead."""

LEADER_KEEPALIVES = {
    "tcp_keepalives_idle": 1,
    "tcp_keepalives_interval": 1,
    "tcp_keepalives_count": 2,
    "tcp_user_timeout": 3000,
}
"""Settings of the connection that holds the lock: PostgreSQL ends one whose machine has vanished
after three seconds, so that a standby on another machine leads within five
(https://www.postgresql.org/docs/16/runtime-config-connection.html)."""

DATABASE_ERRORS = (DBAPIError, PoolTimeout, psycopg.Error)
SendMessage = Callable[[ClaimedRow, str], None]
"""Sends the message of a claimed row to a queue of Celery."""


def celery_sender(app: Celery) -> SendMessage:
    """Return a function that sends `handle(event_id, lease_token)`. It raises BrokerError,
    RedisError or OSError if Redis is unavailable."""
    task = app.tasks[TASK_NAME]

    def send(row: ClaimedRow, queue: str) -> None:
        task.apply_async(
            args=(str(row.id), str(row.token)), queue=queue, ignore_result=True, retry=False
        )

    return send


def device_queue_remover(app: Celery) -> Callable[[WorkerProcess], None]:
    """Return a function that deletes the messages of a lost device, which no process receives.

    Their rows return with their leases. It does nothing while Redis is unavailable.
    """

    def remove(worker: WorkerProcess) -> None:
        try:
            with app.connection_for_write() as connection:
                queue = app.amqp.queues[worker.device_queue](connection.default_channel)
                queue.declare()  # kombu only deletes the messages of queues it has bound
                queue.delete()
            app.amqp.queues.pop(worker.device_queue, None)
        except (BrokerError, RedisError, OSError) as error:
            log.warning("relay.redis_away", error=type(error).__name__, rows=0)

    return remove


class Relay:
    """The relay loop. `run` blocks until `stop`; both may be called from different threads."""

    def __init__(
        self,
        database: Database,
        tenant: OpenScope,
        send: SendMessage,
        *,
        facts: FactListeners,
        ticks: Sequence[Tick] = (),
        devices: DeviceSchedulers | None = None,
        workers: RunningWorkers | None = None,
        tenant_limit: int | None = None,
    ) -> None:
        """`devices` order the `gpu` queue, `ticks` run while this relay leads, and `facts` contains
        the listeners of each fact.

        `tenant_limit` is the maximum number of rows of a tenant in progress in each queue.
        """
        self._database = database
        self._tenant = tenant
        self._send = send
        self._facts = facts
        self._devices = devices or DeviceSchedulers()
        self._workers = workers or RunningWorkers()
        self._tenant_limit = tenant_limit
        self._beat = Beat(ticks, tenant)
        self._stopping = Flag()
        self.leading = Flag()
        self._sweep_at = 0.0
        self._round_at = monotonic()

    def run(self) -> None:
        """Lead if the lock is free, otherwise wait for it; return after `stop`. Survives restarts
        of PostgreSQL."""
        while not self._stopping.is_set():
            try:
                self._run_as_leader()
            except DATABASE_ERRORS as error:
                log.warning("relay.database_away", error=type(error).__name__)
                self._stopping.wait(RETRY_SECONDS)

    def run_until_signal(self) -> None:
        """Call `run` as the last step of a process in its main thread. SIGTERM and SIGINT end it
        after its round."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self.run()

    def stop(self) -> None:
        """End the loop within a second. Workers continue with rows that were dispatched."""
        self._stopping.set()

    def _run_as_leader(self) -> None:
        with self._open_listen_connection() as connection:
            while not self._stopping.is_set():
                if connection.execute(
                    "SELECT pg_try_advisory_lock(%s)", (_LEADING,)
                ).fetchone() == (True,):
                    break
                self._stopping.wait(LEAD_SECONDS)
            else:
                return
            log.info("relay.leading")
            with self._open_scope() as scope:
                self._devices.restore_from_running(scope)
            self.leading.set()
            check_at = 0.0
            try:
                with self._beat:
                    while not self._stopping.is_set():
                        began = monotonic()
                        if began >= check_at:
                            connection.execute("SELECT 1")  # raises if the lead was lost
                            check_at = began + MAX_SLEEP_SECONDS
                        sent, sleep = self.hand_out_due_rows()
                        if sent < FULL_ROUND_ROWS:
                            self._stopping.wait(
                                max(ROUND_PAUSE, min(monotonic() - began, MAX_ROUND_PAUSE))
                            )
                        for notice in connection.notifies(timeout=sleep, stop_after=1):
                            if notice.payload == WORKERS_CHANGED:
                                self._workers.expire()
            finally:
                self.leading.clear()

    @contextmanager
    def _open_listen_connection(self) -> Iterator["psycopg.Connection[Any]"]:
        """Open a separate connection that listens and holds the session lock, and close it at the
        end."""
        with self._database.engine.connect() as pooled:
            pooled.execution_options(isolation_level="AUTOCOMMIT")
            pooled.execute(text("SET idle_session_timeout = 0"))
            for name, value in LEADER_KEEPALIVES.items():
                pooled.execute(text(f"SET {name} = {value}"))
            pooled.execute(text(f"LISTEN {NOTIFY_CHANNEL}"))
            raw = pooled.connection.driver_connection
            if not isinstance(raw, psycopg.Connection):
                raise TypeError("the outbox needs psycopg")
            _check_often(raw.fileno())
            try:
                yield raw
            finally:
                pooled.invalidate()  # ends the session and its lock

    def hand_out_due_rows(self) -> tuple[int, float]:
        """Check all queues once and dispatch due rows within the capacity. Return the number of
        rows and the maximum seconds to sleep."""
        started = monotonic()
        total = 0
        if started - self._round_at > LONG_ROUND_SECONDS:
            self._sweep_at = max(self._sweep_at, started + RENEWED_LEASE.total_seconds())
        self._round_at = started
        if started >= self._sweep_at:
            self._sweep_at = started + SWEEP_EVERY
            self._sweep_leases()
            self._beat.follow_clock_rollback()
        with self._open_scope() as scope:
            capacity = self._workers.refresh(scope)
            seen = row_leases.queue_states(scope)
            now = scope.now
            if seen[FACT_QUEUE].due and spread_facts(scope, self._facts):
                seen = row_leases.queue_states(scope)
        for queue in (queue for group in QUEUE_GROUPS for queue in group):
            free = capacity.count_free(seen, queue)
            if not (free and seen[queue].due):
                continue
            sent = self._claim_and_send(queue, capacity, free=free)
            if sent is None:
                self._stopping.wait(
                    RETRY_SECONDS
                )  # Redis is unavailable, so other queues would fail too
                return total, 0.0
            seen[queue] = QueueState(seen[queue].leased + sent, True, seen[queue].next_at)
            total += sent
        return total, max(0.0, _until_next(seen, now) - (monotonic() - started))

    def _claim_and_send(self, queue: Queue, capacity: Capacity, *, free: int) -> int | None:
        """Claim and send rows. Return the number sent, or None if Redis was unavailable (the
        remaining rows are returned to the outbox)."""
        try:
            with self._open_scope() as scope:
                claimed = self._claim(scope, queue, capacity, free)
        except row_leases.LaneCollision:
            return 0
        for index, (row, where) in enumerate(claimed):
            try:
                self._send(row, where)
            except (BrokerError, RedisError, OSError) as error:
                log.warning(
                    "relay.redis_away", error=type(error).__name__, rows=len(claimed) - index
                )
                with self._open_scope() as scope:
                    row_leases.return_rows(scope, [row for row, _ in claimed[index:]])
                telemetry.ROWS_RETURNED.inc(len(claimed) - index)
                return None
        telemetry.ROWS_CLAIMED.labels(queue).inc(len(claimed))
        return len(claimed)

    def _claim(
        self, scope: Scope, queue: Queue, capacity: Capacity, free: int
    ) -> list[tuple[ClaimedRow, str]]:
        """Claim rows; return them with the queue of Celery to which each is sent."""
        if queue == GPU_QUEUE:
            given = self._devices.claim_rows(scope, capacity, room=free, limit=self._tenant_limit)
            return [(row, device.device_queue) for row, device in given]
        rows = row_leases.claim_rows(
            scope,
            queue,
            places=capacity.queues[queue],
            room=free,
            tenant_limit=self._tenant_limit,
        )
        return [(row, queue) for row in rows]

    def _sweep_leases(self) -> None:
        with self._open_scope() as scope:
            fell = clock_rollback.observe_clock(scope)
            expired = row_leases.sweep_expired_leases(scope)
        if fell is not None:
            log.warning("relay.clock_put_back", seconds=round(fell.total_seconds()))
        if expired:
            telemetry.LEASES_EXPIRED.inc(expired)
            log.warning("relay.leases_expired", rows=expired)

    def _open_scope(self) -> AbstractContextManager[Scope]:
        return self._tenant(INSTALLATION_ID, RELAY_ACTOR, role="relay")


def _check_often(descriptor: int) -> None:
    """Check the connection of the lead as often as PostgreSQL does (`LEADER_KEEPALIVES`), so that
    an interrupted leader notices the end of its session."""
    with socket.socket(fileno=os.dup(descriptor)) as line:
        if line.family == socket.AF_UNIX:
            return
        line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 3000)


def _until_next(seen: Mapping[Queue, QueueState], now: datetime) -> float:
    """Return the seconds until the next row is due, limited to the maximum sleep."""
    ahead = [
        (look.next_at - now).total_seconds() for look in seen.values() if look.next_at is not None
    ]
    return min([MAX_SLEEP_SECONDS, *ahead])
