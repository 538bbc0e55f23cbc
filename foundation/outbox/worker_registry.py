"""The running worker processes: each registers the queues that it serves and how many rows of each
it handles at once. The relay dispatches no more than their sum.

A process renews its registration every few seconds by incrementing its heartbeat, `beat`. The relay
removes one whose heartbeat does not change (`workers/relay/capacity.py`), so no clock of another
machine matters, and the clock of a demo may be shifted.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from threading import Event as Flag
from threading import Thread
from uuid import UUID, uuid5

from foundation.db.database import Scope
from foundation.db.tables import TenantRow, jsonb_column, table_arguments
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops import telemetry
from foundation.outbox.outbox import NOTIFY_CHANNEL

WORKERS_CHANGED = "workers"
"""The payload of the notification that a worker has started or stopped."""

BEAT_SECONDS = 2.0

log = telemetry.get_logger("foundation.outbox.worker_registry")


class WorkerProcessRow(TenantRow, table=True):
    """A running worker process of any machine; `run` is its start."""

    __tablename__ = "worker_processes"
    __table_args__ = table_arguments(about="none", keep="until the process ends")

    run: UUID
    node: str
    process: str
    capacity: dict[str, int] = jsonb_column()
    models: list[str] = jsonb_column(list)
    beat: int = 0


@dataclass(frozen=True)
class WorkerProcess:
    """A worker process: its machine, its name there, the rows of each queue that it handles at
    once, and what its device can run.

    `models` contains the names of image engines, models and LoRAs, with "" for the default engine.
    `run` is unique for each start; the ID stays the same, so that a restarted process replaces its
    registration.
    """

    node: str
    process: str
    capacity: Mapping[str, int]
    models: tuple[str, ...] = ()
    run: UUID = field(default_factory=uuid7)
    beat: int = 0

    @property
    def id(self) -> UUID:
        """The ID of the process on its machine, the same after a restart."""
        return uuid5(INSTALLATION_ID, f"{self.node}\n{self.process}")

    @property
    def device_queue(self) -> str:
        """The queue of messages that only this process receives, for rows that need its device."""
        return f"gpu.{self.id.hex}"


_REGISTER = """
INSERT INTO worker_processes (tenant_id, id, run, node, process, capacity, models, beat)
VALUES (:tenant, :id, :run, :node, :process, CAST(:capacity AS jsonb), CAST(:models AS jsonb), 0)
ON CONFLICT (tenant_id, id) DO UPDATE SET run = excluded.run, capacity = excluded.capacity,
  models = excluded.models, beat = 0, updated_at = house_now()
RETURNING pg_notify(:channel, :payload)
"""


def register_worker(scope: Scope, worker: WorkerProcess) -> None:
    """Register a process, replacing the registration of its earlier run, and wake the relay."""
    scope.run(
        _REGISTER,
        tenant=INSTALLATION_ID,
        id=worker.id,
        run=worker.run,
        node=worker.node,
        process=worker.process,
        capacity=json.dumps(dict(worker.capacity)),
        models=json.dumps(worker.models),
        channel=NOTIFY_CHANNEL,
        payload=WORKERS_CHANGED,
    )


def renew_worker(scope: Scope, worker: WorkerProcess) -> bool:
    """Increment the heartbeat of a registration. Return False if it was removed or replaced."""
    found = scope.run(
        "UPDATE worker_processes SET beat = beat + 1 WHERE tenant_id = :tenant AND id = :id"
        " AND run = :run RETURNING set_config('synchronous_commit', 'off', true)",
        tenant=INSTALLATION_ID,
        id=worker.id,
        run=worker.run,
    )
    return bool(found.rowcount)


def remove_worker(scope: Scope, worker: WorkerProcess) -> None:
    """Remove the registration of this run, so that it receives no further rows."""
    scope.run(
        "DELETE FROM worker_processes WHERE tenant_id = :tenant AND id = :id AND run = :run"
        " RETURNING pg_notify(:channel, :payload)",
        tenant=INSTALLATION_ID,
        id=worker.id,
        run=worker.run,
        channel=NOTIFY_CHANNEL,
        payload=WORKERS_CHANGED,
    )


def load_workers(scope: Scope) -> list[WorkerProcess]:
    """Return all registered processes in the order of their machines and names."""
    rows = scope.run(
        "SELECT run, node, process, capacity, models, beat FROM worker_processes"
        " WHERE tenant_id = :tenant ORDER BY node, process",
        tenant=INSTALLATION_ID,
    )
    return [
        WorkerProcess(r.node, r.process, r.capacity, tuple(r.models), r.run, r.beat) for r in rows
    ]


@contextmanager
def keep_registered(
    open_scope: Callable[[], AbstractContextManager[Scope]], worker: WorkerProcess
) -> Iterator[Callable[[], None]]:
    """Register a process and renew the registration from a thread until the end of the block.

    Yields a function that ends the registration early. It does not block, so a signal handler may
    call it: a stopping process then receives no further rows while it finishes its last ones.
    """
    stopping = Flag()
    thread = Thread(
        target=_renew_until, args=(open_scope, worker, stopping), name="worker-beat", daemon=True
    )
    thread.start()
    try:
        yield stopping.set
    finally:
        stopping.set()
        thread.join(BEAT_SECONDS)


def _renew_until(
    open_scope: Callable[[], AbstractContextManager[Scope]], worker: WorkerProcess, stopping: Flag
) -> None:
    registered = False
    while not stopping.is_set():
        try:
            with open_scope() as scope:
                if not (registered and renew_worker(scope, worker)):
                    register_worker(scope, worker)
                    if registered:  # by the relay after an outage, or by a second process
                        log.warning("worker.registered_again", node=worker.node)
            registered = True
        except Exception as error:  # the database is unavailable; the next heartbeat tries again
            log.warning("worker.not_registered", error=telemetry.describe_error(error))
        stopping.wait(BEAT_SECONDS)
    try:
        with open_scope() as scope:
            remove_worker(scope, worker)
    except Exception as error:  # the relay removes a registration without heartbeats
        log.warning("worker.not_removed", error=telemetry.describe_error(error))
