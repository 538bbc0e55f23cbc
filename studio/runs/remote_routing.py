"""Routing of runs to an agency's remote workers, and back to ours.

A run is in exactly one queue. If a worker of the agency has ever connected, runs without a named
engine are made only by its workers. When the last worker is revoked, the remaining runs move to
ours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from generators.remote_protocol import RemoteWorkerCapabilities
from studio.ingest.states import UploadState
from studio.recipes import run_inputs, specs
from studio.runs import device_queue, records
from studio.runs.models import JobRow, RemotePictureRow, RemoteRunRow
from tenants.api_keys import remote_workers


@dataclass(frozen=True)
class RemoteActivity:
    """The current work of a remote worker: recipe name, and images done of the total."""

    recipe: str
    done: int
    total: int


def route_to_remote(scope: Scope, job: JobRow) -> bool:
    """Assign a new run to the agency's remote workers; return False if it has none."""
    if not remote_workers.list_connected_workers(scope):
        return False
    scope.add(RemoteRunRow(tenant_id=scope.tenant_id, creator_id=job.creator_id, job_id=job.id))
    return True


def route_again_to_remote(scope: Scope, job: JobRow) -> bool:
    """Assign a failed run again, like `route_to_remote`; rejected images may be submitted again."""
    scope.lock(remote_lock_name(scope))
    for picture in scope.session.exec(
        select(RemotePictureRow).where(
            RemotePictureRow.tenant_id == scope.tenant_id,
            RemotePictureRow.job_id == job.id,
            RemotePictureRow.state == str(UploadState.REFUSED),
        )
    ):
        scope.session.delete(picture)
    row = scope.session.exec(
        select(RemoteRunRow).where(
            RemoteRunRow.tenant_id == scope.tenant_id, RemoteRunRow.job_id == job.id
        )
    ).first()
    if row is None:
        return route_to_remote(scope, job)
    if not remote_workers.list_connected_workers(scope):
        scope.session.delete(row)
        return False
    row.lease = None
    row.until = None
    row.numbers = []
    row.tries = 0
    scope.add(row)
    return True


def end_remote_worker(scope: Scope, machine_id: UUID) -> int:
    """Revoke a remote worker: its API key becomes invalid, and other workers can take its leases.

    If it was the last worker, all waiting runs are moved to our workers; return their number.
    Raises the errors of `remote_workers.revoke_remote_worker`.
    """
    remote_workers.revoke_remote_worker(scope, machine_id)
    scope.lock(remote_lock_name(scope))
    if remote_workers.list_connected_workers(scope):
        scope.run(
            "UPDATE home_runs SET lease = NULL, until = NULL WHERE tenant_id = :tenant AND "
            "machine_id = :machine",
            tenant=scope.tenant_id,
            machine=machine_id,
        )
        return 0
    waiting = _list_waiting_runs(scope)
    for row, job in waiting:
        device_queue.enqueue_run(scope, job, specs.get_spec(scope, job.recipe_id))
        scope.session.delete(row)
    return len(waiting)


def remote_capabilities(scope: Scope) -> frozenset[str] | None:
    """Return the features of all remote workers together, as in `ImageJob.needed_inputs`, or None
    without workers."""
    there = _list_capabilities(scope)
    return frozenset(what for one in there for what in one.does) if there else None


def _list_capabilities(scope: Scope) -> list[RemoteWorkerCapabilities]:
    return [
        RemoteWorkerCapabilities.model_validate(one.capabilities)
        for one in remote_workers.list_remote_workers(scope)
        if one.revoked_at is None and one.seen_at is not None
    ]


def remote_lock_name(scope: Scope) -> str:
    """Return the name of the lock that serializes leases and recalls."""
    return f"home:{scope.tenant_id}"


def _list_waiting_runs(scope: Scope) -> list[tuple[RemoteRunRow, JobRow]]:
    found = scope.session.exec(
        select(RemoteRunRow, JobRow)
        .where(
            RemoteRunRow.tenant_id == scope.tenant_id,
            JobRow.tenant_id == scope.tenant_id,
            JobRow.id == RemoteRunRow.job_id,
            col(JobRow.state).not_in(list(records.ENDED_RUN_STATES)),
        )
        .order_by(col(JobRow.created_at), col(JobRow.id))
    )
    return list(found.all())


def missing_models(scope: Scope) -> list[str]:
    """Return the models and LoRAs of waiting runs that no active worker has. These runs wait
    indefinitely."""
    there = _list_capabilities(scope)
    wanted: dict[str, None] = {}
    for _, job in _list_waiting_runs(scope):
        spec = specs.get_spec(scope, job.recipe_id)
        needs = run_inputs.inputs_needed_by(job)
        if not any(
            one.can_make(model=spec.model, loras=list(spec.loras), needs=needs) for one in there
        ):
            wanted |= dict.fromkeys([spec.model, *spec.loras])
    return [name for name in wanted if name]


_WORKING = """
SELECT r.machine_id, c.name, j.done, j.total FROM home_runs r
JOIN jobs j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
JOIN recipes c ON c.tenant_id = j.tenant_id AND c.id = j.recipe_id
WHERE r.tenant_id = :tenant AND r.lease IS NOT NULL AND r.until > people_now() AND j.state =
'running'
"""


def remote_activity(scope: Scope) -> Mapping[UUID, RemoteActivity]:
    """Return the current work of each remote worker, without idle ones."""
    rows = scope.run(_WORKING, tenant=scope.tenant_id).all()
    return {row.machine_id: RemoteActivity(row.name, row.done, row.total) for row in rows}


def count_remote_runs(scope: Scope) -> int:
    """Return the number of runs that wait for a remote worker or are being made by one."""
    return len(_list_waiting_runs(scope))
