"""Whose turn it is on a device: the loaded model's rows first, those of its adapters before others
of it, tenants in turn, nobody beyond his patience.

What is remembered lives in the leading relay: which group was handed out last, since when, and
which tenants had the device. Losing it costs one model load, and another order once; no row, no
lease and no result hangs on it.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.outbox import row_leases
from foundation.outbox.outbox import Queue
from foundation.outbox.row_leases import ClaimedRow
from studio.runs import device_queue

MODEL_STAY = timedelta(minutes=1)
CLAIM_TRIES = 3
"""Times that stay: so long a model keeps the device with one set of LoRAs after the other."""

NO_LIMIT = timedelta(days=3650)
TENANTS_REMEMBERED = 1_000
"""Tenants remembered; one that fell out counts as one that never had the device."""


class GpuScheduler:
    """The memory of one queue whose rows share a device. Times are those of the house clock."""

    def __init__(
        self,
        *,
        patience: timedelta = row_leases.GROUP_PATIENCE,
        stay: timedelta = MODEL_STAY,
        kin: Callable[[str], str] = device_queue.model_group_prefix,
    ) -> None:
        """`patience`: after so long a row no longer yields to the loaded group. `stay`: so long a
        group keeps the device all the same, once it was loaded for one that had lost patience:
        where everybody waits too long, each row would load its own model otherwise, and all would
        wait still longer. `kin`: how the groups of a group's model begin."""
        self._patience = patience
        self._stay = stay
        self._kin = kin
        self.loaded: str | None = None
        self._since: datetime | None = None
        self._loaded_at: datetime | None = None
        self._served: dict[UUID, None] = {}

    def restore_from_running(self, scope: Scope, queue: Queue) -> None:
        """Learn from the rows in flight what another relay had handed out last."""
        found = row_leases.group_in_flight(scope, queue)
        if found is not None:
            self.loaded = found
            self._since = scope.now
            self._loaded_at = scope.now

    def claim_rows(self, scope: Scope, queue: Queue, *, places: int, room: int) -> list[ClaimedRow]:
        """`row_leases.claim_rows` in the order of this device. Raises Collision."""
        staying = self._is_within(self._since, scope.now, self._stay) and self._is_within(
            self._loaded_at, scope.now, CLAIM_TRIES * self._stay
        )
        rows = row_leases.claim_rows(
            scope,
            queue,
            places=places,
            room=room,
            loaded=self.loaded,
            kin=self._model_of_group(self.loaded),
            patience=NO_LIMIT if staying else self._patience,
            served=list(self._served),
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
        self._served[row.tenant_id] = None  # the last of all
        while len(self._served) > TENANTS_REMEMBERED:
            del self._served[next(iter(self._served))]
