"""The capacity of an installation: the sum of what its running workers registered, within the
limits of the settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from foundation.outbox import worker_registry
from foundation.outbox.outbox import Queue
from foundation.outbox.row_leases import QueueState
from foundation.outbox.worker_registry import WorkerProcess

log = telemetry.get_logger("workers.relay.capacity")

QUEUE_GROUPS: tuple[tuple[Queue, ...], ...] = (
    ("urgent",),
    ("chat",),
    ("notify", "publish"),
    ("gpu", "make"),
    ("buy",),
)
"""Queues that share threads, in the order in which they are served. The last queue of a group may
use all of its threads."""

BEAT_LOST_SECONDS = 10.0
"""Seconds without a heartbeat after which a worker counts as lost: several of them, as long as its
leases."""

READ_SECONDS = 1.0
"""Interval at which the registrations are read; a started or stopped worker is read at once."""


@dataclass(frozen=True)
class Capacity:
    """The rows of each queue that may be in progress at once, and the workers with a device."""

    queues: Mapping[str, int] = field(default_factory=dict)
    devices: tuple[WorkerProcess, ...] = ()
    threads: Mapping[str, int] | None = None
    """The registered numbers without the limits of the settings; by default `queues`."""

    def count_free(self, seen: Mapping[Queue, QueueState], queue: Queue) -> int:
        """Return the number of rows of a queue that may be dispatched now: its capacity and the
        shared threads, minus the rows in progress."""
        group = next(group for group in QUEUE_GROUPS if queue in group)
        in_flight = sum(seen[other].leased for other in group)
        shared = (self.queues if self.threads is None else self.threads).get(group[-1], 0)
        return max(0, min(self.queues.get(queue, 0) - seen[queue].leased, shared - in_flight))


class RunningWorkers:
    """Reads the registrations, and removes those of workers that no longer renew them.

    A worker counts as running for `lost_after` seconds after its heartbeat was seen to change, by
    the clock of this process.
    """

    def __init__(
        self,
        queue_limits: Mapping[str, int] | None = None,
        *,
        on_lost: Callable[[WorkerProcess], None] = lambda _: None,
        lost_after: float = BEAT_LOST_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`queue_limits` are the maximum rows in progress by queue, for all workers together;
        `on_lost` is called with a worker whose registration was removed."""
        self._limits = dict(queue_limits or {})
        self._on_lost = on_lost
        self._lost_after = lost_after
        self._clock = clock
        self._beats: dict[UUID, tuple[int, float]] = {}
        self._read_at = float("-inf")
        self._seen_at = float("-inf")
        self.capacity = Capacity()

    def expire(self) -> None:
        """Read the registrations at the next call of `refresh`, because one has changed."""
        self._read_at = float("-inf")

    def refresh(self, scope: Scope) -> Capacity:
        """Return the capacity, read at most once per second."""
        now = self._clock()
        if now - self._read_at < READ_SECONDS:
            return self.capacity
        if now - self._seen_at > self._lost_after / 2:
            self._beats.clear()  # no heartbeat was read or written while the database was away
        self._read_at = self._seen_at = now
        running = [
            worker
            for worker in worker_registry.load_workers(scope)
            if self._is_running(scope, worker, now)
        ]
        self._beats = {worker.run: self._beats[worker.run] for worker in running}
        queues: dict[str, int] = {
            queue: sum(worker.capacity.get(queue, 0) for worker in running)
            for group in QUEUE_GROUPS
            for queue in group
        }
        self.capacity = Capacity(
            {queue: min(found, self._limits.get(queue, found)) for queue, found in queues.items()},
            tuple(worker for worker in running if worker.capacity.get("gpu")),
            threads=queues,
        )
        return self.capacity

    def _is_running(self, scope: Scope, worker: WorkerProcess, now: float) -> bool:
        beat, since = self._beats.get(worker.run, (-1, now))
        if worker.beat != beat:
            since = now
        self._beats[worker.run] = (worker.beat, since)
        if now - since <= self._lost_after:
            return True
        worker_registry.remove_worker(scope, worker)
        log.warning("relay.worker_lost", node=worker.node, process=worker.process)
        self._on_lost(worker)
        return False
