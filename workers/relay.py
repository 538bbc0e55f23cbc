"""The relay: claims due rows and hands them to Celery, within the room of each queue. The only sender of messages.

One relay leads, by a session lock; others stand by. PostgreSQL gone: it comes back by itself. Redis gone: rows go back.
"""

import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
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

from foundation import clock_falls, leases, telemetry
from foundation.clock import monotonic
from foundation.database import Database, OpenScope, Scope
from foundation.facts import QUEUE as FACTS
from foundation.facts import Facts, spread
from foundation.ids import HOUSE
from foundation.leases import Claimed, Look
from foundation.outbox import CHANNEL, Queue
from workers.app import TASK
from workers.beat import Beat, Tick
from workers.dispatch import RELAY
from workers.turns import Turns

log = telemetry.log("workers.relay")

LONGEST_SLEEP = 1.0
SWEEP_EVERY = 10.0
AFTER_TROUBLE = 0.5
FRUITFUL = 8
BREATH, LONGEST_BREATH = 0.03, 0.25
"""Every ending wakes the relay. A round that handed out fewer rows than that rests as long as it took, so that under
a backlog the endings are gathered and the relay leaves PostgreSQL half of its time. 10 ms at least cost twice as much
processor time per post as 30 ms do, and a lane waits for its next row 10 ms longer on average: measured."""

_LEADING = 0x72656C6179
"""Session advisory lock of the leading relay ("relay")."""

DEVICE: Queue = "gpu"
"""The queue whose rows share what is loaded."""

TROUBLE = (DBAPIError, PoolTimeout, psycopg.Error)
Send = Callable[[Claimed, Queue], None]


@dataclass(frozen=True)
class Places:
    """Threads shared by some queues, each with its own cap; those named first are served first."""

    count: int
    caps: tuple[tuple[Queue, int], ...]


PLACES = (
    Places(4, (("urgent", 4),)),
    Places(12, (("chat", 12),)),
    Places(32, (("notify", 4), ("publish", 32))),
    Places(2, (("gpu", 1), ("make", 2))),
    Places(8, (("buy", 8),)),
)
"""As the processes `send` (48 threads) and `make` (2 threads, and 8 that mostly wait for a seller) have them."""


def room(seen: Mapping[Queue, Look], places: Places, queue: Queue, cap: int) -> int:
    """How many rows of a queue may be handed out now: its cap and its shared places, less what is in flight."""
    in_flight = sum(seen[other].leased for other, _ in places.caps)
    return max(0, min(cap - seen[queue].leased, places.count - in_flight))


def sender(app: Celery) -> Send:
    """Sends `handle(event_id, lease_token)`; raises one of BrokerError, RedisError, OSError when Redis is away."""
    task = app.tasks[TASK]

    def send(row: Claimed, queue: Queue) -> None:
        task.apply_async(args=(str(row.id), str(row.token)), queue=queue, ignore_result=True, retry=False)

    return send


class Relay:
    """The loop. `run` blocks until `stop`; both may be called from different threads."""

    def __init__(
        self,
        database: Database,
        tenant: OpenScope,
        send: Send,
        *,
        facts: Facts,
        places: Sequence[Places] = PLACES,
        ticks: Sequence[Tick] = (),
        turns: Turns | None = None,
    ) -> None:
        """`turns` says whose turn it is in `gpu`; `ticks` beat while this relay leads; `facts` says who hears them."""
        self._database, self._tenant, self._send = database, tenant, send
        self._facts = facts
        self._places, self._turns = tuple(places), turns or Turns()
        self._beat = Beat(ticks, tenant)
        self._stopping = Flag()
        self.leading = Flag()
        self._sweep_at = 0.0

    def run(self) -> None:
        """Lead when the lock is free, stand by otherwise, survive a restart of PostgreSQL; until `stop`."""
        while not self._stopping.is_set():
            try:
                self._lead()
            except TROUBLE as error:
                log.warning("relay.database_away", error=type(error).__name__)
                self._stopping.wait(AFTER_TROUBLE)

    def serve(self) -> None:
        """`run` as the last act of a process, in its main thread: SIGTERM and SIGINT end it after its round."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stop())
        self.run()

    def stop(self) -> None:
        """End the loop within a second; what was handed out stays with the workers."""
        self._stopping.set()

    def _lead(self) -> None:
        with self._listening() as connection:
            while not self._stopping.is_set():
                if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LEADING,)).fetchone() == (True,):
                    break
                self._stopping.wait(LONGEST_SLEEP)
            else:
                return
            log.info("relay.leading")
            with self._scope() as scope:
                self._turns.resume(scope, DEVICE)
            self.leading.set()
            try:
                with self._beat:
                    while not self._stopping.is_set():
                        began = monotonic()
                        sent, sleep = self.round()
                        if sent < FRUITFUL:
                            self._stopping.wait(max(BREATH, min(monotonic() - began, LONGEST_BREATH)))
                        list(connection.notifies(timeout=sleep, stop_after=1))
            finally:
                self.leading.clear()

    @contextmanager
    def _listening(self) -> Iterator["psycopg.Connection[Any]"]:
        """A connection of its own that listens and holds the session lock; closed for good at the end."""
        with self._database.engine.connect() as pooled:
            pooled.execution_options(isolation_level="AUTOCOMMIT")
            pooled.execute(text("SET idle_session_timeout = 0"))
            pooled.execute(text(f"LISTEN {CHANNEL}"))
            raw = pooled.connection.driver_connection
            if not isinstance(raw, psycopg.Connection):
                raise TypeError("the outbox needs psycopg")
            try:
                yield raw
            finally:
                pooled.invalidate()  # ends the session, and its lock with it

    def round(self) -> tuple[int, float]:
        """Look at all queues once, hand out what is due and has room: how many rows, the seconds to sleep at most."""
        started, total = monotonic(), 0
        if started >= self._sweep_at:
            self._sweep_at = started + SWEEP_EVERY
            self._sweep()
            self._beat.follow()
        with self._scope() as scope:
            seen, now = leases.look(scope), scope.now
            if seen[FACTS].due and spread(scope, self._facts):
                seen = leases.look(scope)
        for places in self._places:
            for queue, cap in places.caps:
                free = room(seen, places, queue, cap)
                if not (free and seen[queue].due):
                    continue
                sent = self._hand_out(queue, cap=cap, free=free)
                if sent is None:
                    self._stopping.wait(AFTER_TROUBLE)  # Redis is away: nothing else can be sent either
                    return total, 0.0
                seen[queue] = Look(seen[queue].leased + sent, True, seen[queue].next_at)
                total += sent
        return total, max(0.0, _until_next(seen, now) - (monotonic() - started))

    def _hand_out(self, queue: Queue, *, cap: int, free: int) -> int | None:
        """Claim and send; how many were sent, None when Redis could not be reached (the rest went back)."""
        try:
            with self._scope() as scope:
                claim = self._turns.claim if queue == DEVICE else leases.claim
                claimed = claim(scope, queue, places=cap, room=free)
        except leases.Collision:
            return 0
        for index, row in enumerate(claimed):
            try:
                self._send(row, queue)
            except (BrokerError, RedisError, OSError) as error:
                log.warning("relay.redis_away", error=type(error).__name__, rows=len(claimed) - index)
                with self._scope() as scope:
                    leases.give_back(scope, claimed[index:])
                telemetry.GIVEN_BACK.inc(len(claimed) - index)
                return None
        telemetry.CLAIMS.labels(queue).inc(len(claimed))
        return len(claimed)

    def _sweep(self) -> None:
        with self._scope() as scope:
            fell, expired = clock_falls.see(scope), leases.sweep(scope)
        if fell is not None:
            log.warning("relay.clock_put_back", seconds=round(fell.total_seconds()))
        if expired:
            telemetry.EXPIRED.inc(expired)
            log.warning("relay.leases_expired", rows=expired)

    def _scope(self) -> AbstractContextManager[Scope]:
        return self._tenant(HOUSE, RELAY, role="relay")


def _until_next(seen: Mapping[Queue, Look], now: datetime) -> float:
    """Seconds to the next row's time, at most the longest sleep."""
    ahead = [(look.next_at - now).total_seconds() for look in seen.values() if look.next_at is not None]
    return min([LONGEST_SLEEP, *ahead])
