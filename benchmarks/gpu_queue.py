"""Scheduling of runs with many models on one device: affinity compared with first in, first out.

Rows, claims and their order are real, on a temporary PostgreSQL. Generating and loading are
simulated: they advance a clock by the given costs, which are part of the figures.
"""

import random
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID

from benchmarks.measurement import BENCHMARK_SEED
from benchmarks.servers import BenchmarkServers, run_servers
from foundation.db.database import Database, Scope
from foundation.ids import INSTALLATION_ID
from foundation.outbox import outbox, row_leases
from foundation.outbox.row_leases import TakenRow
from studio.runs import device_queue
from studio.runs.events import RunDue
from studio.runs.records import TURN_PICTURES
from studio.runs.runner import TURN_SECONDS
from workers.relay.dispatch import RELAY_ACTOR
from workers.relay.gpu_scheduler import GpuScheduler

JOBS = 200
MODELS = 5
ADAPTERS = 3
TENANTS = 8
LOAD_S = 20.0
PICTURE_S = 4.0
"""Assumed seconds to load another model, and for one picture: typical of an SDXL model on a local
disk."""

ADAPTER_S = 1.0
"""Assumed seconds to apply other LoRAs to a loaded model: 0.1 s for a small one (measured), more
for larger files."""

APART_S = 3.0
"""Maximum seconds between two requests; the average is half of that, which is faster than the
device generates."""


@dataclass(frozen=True)
class RequestedRun:
    """A run: its tenant, time in seconds from the start, group and number of pictures."""

    tenant_id: UUID
    job_id: UUID
    at: float
    group: str
    pictures: int


@dataclass
class SimulatedDevice:
    """The clock and the counters of one device."""

    now: float = 0.0
    loaded: str | None = None
    loads: int = 0
    changes: int = 0

    def load_model(self, group: str) -> None:
        """Load a model, or apply other LoRAs to it, unless it is loaded."""
        if group == self.loaded:
            return
        if self.loaded is None or device_queue.model_group_prefix(
            group
        ) != device_queue.model_group_prefix(self.loaded):
            self.loads = self.loads + 1
            self.now = self.now + LOAD_S
        else:
            self.changes = self.changes + 1
            self.now = self.now + ADAPTER_S
        self.loaded = group


def measure_gpu_queue() -> dict[str, float]:
    """Start a temporary PostgreSQL, serve the same queue three times and stop it. Takes about a
    minute.

    `fifo_*`: each run to its end, oldest first; `group_*`: runs of the same model and LoRAs first;
    `affinity_*`, as in production: then runs of the same model. `*_loads` counts models,
    `*_changes` LoRAs on one model. `*_wait_p95_s`: from the request to the first picture;
    `*_share`: the ratio of the most to the fewest pictures of a tenant, until the first tenant has
    all of its pictures. Times are the device's: `load_s`, `adapter_s` and `picture_s` are given,
    not measured. Raises Unavailable if a server does not start.
    """
    given: dict[str, float] = {"jobs": JOBS, "models": MODELS, "adapters": ADAPTERS}
    given |= {"load_s": LOAD_S, "picture_s": PICTURE_S, "adapter_s": ADAPTER_S}
    # the same queue in each run
    asked = _generate_requests(random.Random(BENCHMARK_SEED))  # noqa: S311  see above
    with run_servers() as found:
        ways = {
            "fifo": None,
            "group": GpuScheduler(kin=lambda group: f"{group}|"),
            "affinity": GpuScheduler(),
        }
        for name, way in ways.items():
            given |= _simulate_queue(name, found, asked, way)
    return given


def _generate_requests(draw: random.Random) -> list[RequestedRun]:
    """Return the queue: the first tenant requests two fifths of it."""
    tenants = [UUID(int=draw.getrandbits(128), version=4) for _ in range(TENANTS)]
    at = 0.0
    found = []
    for _ in range(JOBS):
        at += draw.uniform(0, APART_S)
        tenant = tenants[0] if draw.random() < 0.4 else draw.choice(tenants[1:])
        model = f"model-{draw.randrange(MODELS)}"
        adapter = f"lora-{draw.randrange(ADAPTERS)}"
        job_id = UUID(int=draw.getrandbits(128), version=4)
        found.append(
            RequestedRun(
                tenant,
                job_id,
                at,
                device_queue.model_group(model, adapters=[adapter]),
                draw.randint(1, 8),
            )
        )
    return found


def _simulate_queue(
    name: str, found: BenchmarkServers, asked: list[RequestedRun], turns: GpuScheduler | None
) -> dict[str, float]:
    database = Database(found.work_url, pool_size=2)
    device = SimulatedDevice()
    try:
        run = _Run(database, device, asked, turns)
        while run.left:
            run.next()
        return {f"{name}_{key}": value for key, value in run.figures().items()}
    finally:
        database.close()


class _Run:
    """One strategy that serves the queue, row by row."""

    def __init__(
        self,
        database: Database,
        device: SimulatedDevice,
        asked: list[RequestedRun],
        turns: GpuScheduler | None,
    ) -> None:
        self._database = database
        self._device = device
        self._turns = turns
        self._jobs = {each.job_id: each for each in asked}
        self.left = {each.job_id: each.pictures for each in asked}
        self._first: dict[UUID, float] = {}
        self._drawn: list[UUID] = []
        self._owed = Counter[UUID]()
        with self._open_scope() as scope:
            self._began = scope.now
        for each in asked:
            self._owed[each.tenant_id] += each.pictures
            with database.scope(each.tenant_id, RELAY_ACTOR) as scope:
                at = self._began + timedelta(seconds=each.at)
                outbox.put(scope, RunDue(each.tenant_id, each.job_id), at=at, group=each.group)

    def _open_scope(self) -> AbstractContextManager[Scope]:
        return self._database.scope(INSTALLATION_ID, RELAY_ACTOR, role="relay")

    def _scope_at_device_time(self, scope: Scope) -> Scope:
        """Open a scope at the device's time."""
        return replace(scope, now=self._began + timedelta(seconds=self._device.now))

    def next(self) -> None:
        """Serve the next row until it is done or yields the device; wait if none is due."""
        with self._open_scope() as scope:
            now = self._scope_at_device_time(scope)
            if self._turns is not None:
                rows = self._turns.claim_rows(now, "gpu", places=1, room=1)
            else:
                first_in = row_leases.GroupOrder(patience=timedelta())
                rows = row_leases.claim_rows(now, "gpu", places=1, room=1, order=first_in)
            taken = [
                row_leases.take_row(now, row.id, row.token, deadline=timedelta(seconds=30))
                for row in rows
            ]
        if not taken:
            self._device.now = min(
                each.at for each in self._jobs.values() if each.at > self._device.now
            )
        for row in taken:
            if row is not None:
                self._run_job(row)

    def _run_job(self, row: TakenRow) -> None:
        asked = self._jobs[row.subject_id]
        device = self._device
        turn = 0
        device.load_model(asked.group)
        self._first.setdefault(row.subject_id, device.now)
        began = device.now
        while self.left[row.subject_id]:
            device.now += PICTURE_S
            self.left[row.subject_id] -= 1
            self._drawn.append(row.tenant_id)
            turn += 1
            over = turn >= TURN_PICTURES or device.now - began >= TURN_SECONDS
            if (
                self._turns is not None
                and over
                and self.left[row.subject_id]
                and self._give_back(row)
            ):
                return
        del self.left[row.subject_id]
        with self._open_scope() as scope:
            row_leases.finish_row(self._scope_at_device_time(scope), row)

    def _give_back(self, row: TakenRow) -> bool:
        with self._open_scope() as scope:
            now = self._scope_at_device_time(scope)
            return row_leases.is_capacity_needed(now, row) and row_leases.defer_row(
                now, row, timedelta()
            )

    def figures(self) -> dict[str, float]:
        """Return loads, changes of LoRAs, total seconds, p95 of the wait for the first picture, and
        the ratio of the most to the fewest pictures."""
        waits = sorted(at - self._jobs[job_id].at for job_id, at in self._first.items())
        return {
            "loads": self._device.loads,
            "changes": self._device.changes,
            "total_s": self._device.now,
            "wait_p50_s": waits[len(waits) // 2],
            "wait_p95_s": waits[len(waits) * 95 // 100],
            "wait_most_s": waits[-1],
            "share": self._measure_share_ratio(),
        }

    def _measure_share_ratio(self) -> float:
        got = Counter[UUID]()
        for tenant in self._drawn:
            got[tenant] += 1
            if got[tenant] == self._owed[tenant]:
                break
        return max(got.values()) / max(min(got[tenant] for tenant in self._owed), 1)
