"""The order of rows that share a GPU: rows of the loaded model first, rows with the same LoRAs
before others, and tenants in turn; a row that has reached the maximum wait is not overtaken.

The state is in the memory of the leading relay: the group dispatched last, its start, and the
tenants served. Its loss costs one model load and a different order once; rows, leases and results
do not depend on it.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.outbox import row_leases
from foundation.outbox.outbox import Queue
from foundation.outbox.row_leases import ClaimedRow, GroupOrder
from foundation.outbox.worker_registry import WorkerProcess
from studio.runs import device_queue
from workers.relay.capacity import Capacity

GPU_QUEUE: Queue = "gpu"
"""The queue whose rows share a loaded model."""

MODEL_STAY = timedelta(minutes=1)
CLAIM_TRIES = 3
"""Maximum time for which a model keeps the GPU, as a multiple of `stay`, regardless of its sets of
LoRAs."""

NO_LIMIT = timedelta(days=3650)
TENANTS_REMEMBERED = 1_000
"""Maximum number of remembered tenants. A forgotten one counts as never served."""


class GpuScheduler:
    """The state of one queue whose rows share a GPU. Times are those of the outbox."""

    def __init__(
        self,
        *,
        patience: timedelta = row_leases.GROUP_PATIENCE,
        stay: timedelta = MODEL_STAY,
        kin: Callable[[str], str] = device_queue.model_group_prefix,
    ) -> None:
        """Args:
        patience: wait after which a row no longer yields to the loaded group.
        stay: time for which a group keeps the GPU after it was loaded for such a row. Without
        it, when all rows wait too long, each would load another model and all would wait
        longer.
        kin: returns the common prefix of the groups of a group's model.
        """
        self._patience = patience
        self._stay = stay
        self._kin = kin
        self.loaded: str | None = None
        self._since: datetime | None = None
        self._loaded_at: datetime | None = None
        self._served: dict[UUID, None] = {}

    def assume_loaded(self, group: str | None, now: datetime) -> None:
        """Set the loaded group to that of a row which an earlier relay dispatched."""
        self.loaded = group
        self._since = now
        self._loaded_at = now

    def claim_rows(
        self,
        scope: Scope,
        queue: Queue,
        *,
        places: int,
        room: int,
        limit: int | None = None,
        device: UUID | None = None,
        own: frozenset[str] = frozenset(),
        others: Sequence[frozenset[str]] = (),
        loaded_only: bool = False,
    ) -> list[ClaimedRow]:
        """Call `row_leases.claim_rows` with the order of this GPU. Raises LaneCollision."""
        staying = self._is_within(self._since, scope.now, self._stay) and self._is_within(
            self._loaded_at, scope.now, CLAIM_TRIES * self._stay
        )
        rows = row_leases.claim_rows(
            scope,
            queue,
            places=places,
            room=room,
            tenant_limit=limit,
            order=GroupOrder(
                loaded=self.loaded,
                kin=self._model_of_group(self.loaded),
                patience=NO_LIMIT if staying else self._patience,
                served=list(self._served),
                loaded_only=loaded_only,
                device=device,
                own=own,
                others=others,
            ),
        )
        for row in rows:
            self._record_claim(row, scope.now)
        return rows

    @staticmethod
    def _is_within(since: datetime | None, now: datetime, span: timedelta) -> bool:
        return since is not None and now - since < span

    def _model_of_group(self, group: str | None) -> str | None:
        return self._kin(group) if group is not None else None

    def _record_claim(self, row: ClaimedRow, now: datetime) -> None:
        if self._model_of_group(row.group) != self._model_of_group(self.loaded):
            self._loaded_at = now
        if row.group != self.loaded:
            self.loaded = row.group
            self._since = now
        self._served.pop(row.tenant_id, None)
        self._served[row.tenant_id] = None  # moves the tenant to the end
        while len(self._served) > TENANTS_REMEMBERED:
            del self._served[next(iter(self._served))]


class DeviceSchedulers:
    """One scheduler for each device of the running workers. A device runs one row at a time."""

    def __init__(
        self, *, patience: timedelta = row_leases.GROUP_PATIENCE, stay: timedelta = MODEL_STAY
    ) -> None:
        """Take the `patience` and `stay` of every device's `GpuScheduler`."""
        self._patience = patience
        self._stay = stay
        self._by_run: dict[UUID, GpuScheduler] = {}
        self._running: dict[UUID, str | None] = {}

    def restore_from_running(self, scope: Scope) -> None:
        """Remember the groups of the rows that an earlier relay dispatched."""
        self._running = row_leases.load_device_groups(scope, GPU_QUEUE)

    def claim_rows(
        self, scope: Scope, capacity: Capacity, *, room: int, limit: int | None = None
    ) -> list[tuple[ClaimedRow, WorkerProcess]]:
        """Claim a row for each free device, at most `room`; return them with their devices.

        With several devices, rows of a loaded model first go to the device that has loaded it.
        Raises LaneCollision.
        """
        if not row_leases.lock_claims(scope):
            return []
        busy = row_leases.load_device_groups(scope, GPU_QUEUE)
        self._follow_devices(capacity, scope.now)
        free = [device for device in capacity.devices if device.id not in busy]
        found: list[tuple[ClaimedRow, WorkerProcess]] = []
        for loaded_only in (True, False) if len(capacity.devices) > 1 else (False,):
            for device in free:
                if len(found) >= room or device in [given for _, given in found]:
                    continue
                scheduler = self._by_run[device.run]
                if loaded_only and scheduler.loaded is None:
                    continue
                rows = scheduler.claim_rows(
                    scope,
                    GPU_QUEUE,
                    places=len(capacity.devices),
                    room=1,
                    limit=limit,
                    device=device.id,
                    own=frozenset(device.models),
                    others=[
                        frozenset(one.models) for one in capacity.devices if one.id != device.id
                    ],
                    loaded_only=loaded_only,
                )
                found += [(row, device) for row in rows]
        return found

    def _follow_devices(self, capacity: Capacity, now: datetime) -> None:
        """Keep a scheduler for each running worker; a restarted one has no model loaded."""
        kept = {}
        for device in capacity.devices:
            scheduler = self._by_run.get(device.run)
            if scheduler is None:
                scheduler = GpuScheduler(patience=self._patience, stay=self._stay)
                if device.id in self._running:
                    scheduler.assume_loaded(self._running.pop(device.id), now)
            kept[device.run] = scheduler
        self._by_run = kept
