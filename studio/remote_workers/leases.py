"""Leases of runs to an agency's remote workers: a few images at a time, until the worker stops
responding.

Only the lease of a worker is stored. After a failure of any kind, the missing images are leased
again.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ids import uuid7
from generators.remote_protocol import (
    HeartbeatResponse,
    LeasedPictures,
    LeaseHeartbeat,
    LeaseReturn,
    MaterialRequest,
    PictureOrder,
    RemoteWorkerCapabilities,
    WorkRequest,
)
from generators.retouch.masks import MaskRegion
from studio.costs import quotas
from studio.ingest.states import UploadState
from studio.library import assets, storage_quota
from studio.recipes import run_inputs, specs
from studio.recipes.specs import PlannedPicture, RecipeSpec
from studio.runs import records, remote_routing
from studio.runs.models import JobRow, RemotePictureRow, RemoteRunRow
from studio.runs.states import JobState
from tenants.api_keys import remote_workers

LEASE_DURATION = timedelta(seconds=60)
"""Time after the last heartbeat until a lease expires; workers send several within it."""

RETRY_DELAY = timedelta(seconds=30)
"""Delay before a run is leased again after a worker reported that it cannot make the run for now.
"""

MAX_LEASES = 8
"""Maximum number of consecutive leases without a result, after which the run fails. Without this
limit, a run that crashes its worker or whose results are lost would be retried forever."""


@dataclass(frozen=True)
class AgencyBounds:
    """Limits set by the installation: images per day (0 for unlimited) and storage bytes (None for
    unlimited)."""

    per_day: int = 0
    allowed: int | None = None


def lease_pictures(
    scope: Scope, machine_id: UUID, wanted: WorkRequest, bounds: AgencyBounds
) -> LeasedPictures | None:
    """Lease images to a worker, from the longest waiting run it can make. Return None if there are
    no such images.

    A repeated request of the same worker process gets its existing lease. Raises Refused for a
    revoked worker.
    """
    remote_workers.record_worker_seen(scope, machine_id, wanted.able.model_dump(mode="json"))
    scope.lock(remote_routing.remote_lock_name(scope))
    for row in _list_leasable_runs(scope, machine_id, wanted.instance):
        job = records.get_run_row(scope, row.job_id, lock=True)
        try:
            lent = (
                None
                if job.state in records.ENDED_RUN_STATES
                else _lease_next_pictures(scope, job, wanted.able, bounds, row.id)
            )
        except (run_inputs.SourcePictureUnavailable, storage_quota.StorageFull) as error:
            records.fail_run(scope, job.id, error.message)
            continue
        if lent is None or not _count_lease_attempt(scope, row):
            continue
        if (row.machine_id, row.instance) == (
            machine_id,
            wanted.instance,
        ) and row.lease is not None:
            lent = lent.model_copy(update={"lease": row.lease})
        row.machine_id = machine_id
        row.instance = wanted.instance
        row.lease = lent.lease
        row.numbers = [one.number for one in lent.pictures]
        _extend_lease(scope, row, LEASE_DURATION)
        if job.state == JobState.QUEUED:
            records.move_run(scope, job, JobState.RUNNING)
        return lent
    return None


def _count_lease_attempt(scope: Scope, row: RemoteRunRow) -> bool:
    """Return True if a run may be leased again. After too many attempts, fail the run."""
    if row.lease is not None:
        row.tries += 1
        scope.add(row)
    if row.tries < MAX_LEASES:
        return True
    records.fail_run(scope, row.job_id, Message("machine.gave_up"))
    return False


def _extend_lease(scope: Scope, row: RemoteRunRow, by: timedelta) -> None:
    row.until = scope.run("SELECT people_now()").scalar_one() + by
    scope.add(row)


_ROWS = """
SELECT r.id FROM home_runs r JOIN jobs j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
WHERE r.tenant_id = :tenant AND j.state IN ('queued', 'running')
  AND (r.until IS NULL OR r.until <= people_now()
       OR r.lease IS NOT NULL AND r.machine_id = :machine AND r.instance = :instance)
ORDER BY (r.lease IS NOT NULL AND r.machine_id = :machine AND r.instance = :instance) DESC,
j.created_at, j.id
"""


def _list_leasable_runs(scope: Scope, machine_id: UUID, instance: UUID) -> list[RemoteRunRow]:
    """Return the runs that can be leased to a worker, its current one first."""
    ids = (
        scope.run(_ROWS, tenant=scope.tenant_id, machine=machine_id, instance=instance)
        .scalars()
        .all()
    )
    rows = scope.session.exec(
        select(RemoteRunRow)
        .where(RemoteRunRow.tenant_id == scope.tenant_id, col(RemoteRunRow.id).in_(ids))
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows}
    return [found[one] for one in ids]


def _lease_next_pictures(
    scope: Scope, job: JobRow, able: RemoteWorkerCapabilities, bounds: AgencyBounds, run_id: UUID
) -> LeasedPictures | None:
    """Return the next images of a run under a new lease, or None if the worker cannot make them
    now."""
    spec = specs.spec_of_run(scope, job)
    if not able.can_make(
        model=spec.model, loras=list(spec.loras), needs=run_inputs.inputs_needed_by(job)
    ):
        return None
    missing = _missing_pictures(scope, job, spec)
    if not missing:
        return None  # all images are being ingested
    held = quotas.generation_wait(scope, job.creator_id, per_day=bounds.per_day)
    records.set_wait(job, held)
    scope.add(job)
    most = min(
        records.TURN_PICTURES,
        quotas.pictures_left_today(scope, job.creator_id, per_day=bounds.per_day)
        - _count_pictures_in_transit(scope, run_id),
    )
    if held is not None or most < 1:
        return None
    # Do not lease images that could not be stored.
    storage_quota.check_storage(scope, bounds.allowed, 1)
    return LeasedPictures(
        lease=uuid7(),
        seconds=LEASE_DURATION.total_seconds(),
        pictures=_build_picture_orders(scope, job, missing[:most]),
    )


def _build_picture_orders(
    scope: Scope, job: JobRow, shots: Sequence[PlannedPicture]
) -> list[PictureOrder]:
    """Return the orders for a worker with the digests of input images.

    Raises SourcePictureUnavailable if an input may no longer be used.
    """
    first, posture = run_inputs.check_run_inputs_in(scope, job)
    begin = run_inputs.init_picture_of(job)
    pose = run_inputs.pose_reference_of(job)
    said: dict[str, Any] = {
        "init": first,
        "references": run_inputs.style_digests(job),
        "pose": posture,
    }
    match begin.region if begin is not None else None:
        case MaskRegion() as one:
            said["region"] = astuple(one)
        case tuple() as several:
            said["shapes"] = list(several)
    changes: dict[str, Any] = {"strength": begin.anew / 100} if begin is not None else {}
    changes |= {"pose_weight": pose.weight / 100} if pose is not None else {}
    return [PictureOrder.from_job(one.number, replace(one.job, **changes), **said) for one in shots]


def _missing_pictures(scope: Scope, job: JobRow, spec: RecipeSpec) -> Sequence[PlannedPicture]:
    """Return the images of a run that do not exist yet."""
    shots = specs.plan_pictures(spec, seed=job.seed, count=job.total, given=job.given)[job.done :]
    there = assets.assets_by_source(
        scope, job.creator_id, [records.picture_source_key(job, one.number) for one in shots]
    )
    came = set(
        scope.session.exec(
            select(RemotePictureRow.number).where(
                RemotePictureRow.tenant_id == scope.tenant_id, RemotePictureRow.job_id == job.id
            )
        )
    )
    gone = came | records.skipped_numbers(job)
    return [
        one
        for one in shots
        if records.picture_source_key(job, one.number) not in there and one.number not in gone
    ]


_ON_THEIR_WAY = """
SELECT (SELECT count(*) FROM home_pictures WHERE tenant_id = :tenant AND state = :waiting)
  + (SELECT coalesce(sum(jsonb_array_length(numbers)), 0) FROM home_runs
     WHERE tenant_id = :tenant AND id <> :run AND lease IS NOT NULL AND until > people_now())
"""


def _count_pictures_in_transit(scope: Scope, run_id: UUID) -> int:
    """Return the number of leased or submitted images that are not in the library yet. They count
    towards the daily quota."""
    waits = str(UploadState.WAITING)
    return int(
        scope.run(_ON_THEIR_WAY, tenant=scope.tenant_id, waiting=waits, run=run_id).scalar_one()
    )


def extend_lease(scope: Scope, machine_id: UUID, said: LeaseHeartbeat) -> HeartbeatResponse:
    """Process a heartbeat: extend the lease, unless its run has ended or the lease was lost. Raises
    Refused."""
    remote_workers.record_worker_seen(scope, machine_id)
    row = run_of_lease(scope, machine_id, said.lease)
    if row is None:
        return HeartbeatResponse(state="lost")
    job = records.get_run_row(scope, row.job_id, lock=True)
    if job.state in records.ENDED_RUN_STATES:
        return HeartbeatResponse(state="stop")
    _extend_lease(scope, row, LEASE_DURATION)
    job.step = said.step
    job.steps = said.steps
    scope.add(job)
    return HeartbeatResponse(state="go")


def run_of_lease(scope: Scope, machine_id: UUID, lease: UUID) -> RemoteRunRow | None:
    """Return the run of a lease, or None if the lease is over or belongs to another worker.

    An expired lease is valid until the run is leased again, so that results of an interrupted
    connection are not lost.
    """
    scope.lock(remote_routing.remote_lock_name(scope))
    return scope.session.exec(
        select(RemoteRunRow)
        .where(
            RemoteRunRow.tenant_id == scope.tenant_id,
            RemoteRunRow.machine_id == machine_id,
            RemoteRunRow.lease == lease,
        )
        .execution_options(populate_existing=True)
    ).first()


def record_delivery(scope: Scope, row: RemoteRunRow, number: int) -> None:
    """Record the delivery of an image, and reset the number of attempts. The last image ends the
    lease."""
    row.numbers = [one for one in row.numbers if one != number]
    row.tries = 0
    if row.numbers:
        _extend_lease(scope, row, LEASE_DURATION)
    else:
        row.lease = None
        row.until = None
    scope.add(row)


def check_material(scope: Scope, machine_id: UUID, wanted: MaterialRequest) -> None:
    """Check that a worker may download an input image of its lease.

    Raises NotFound for any other image, SourcePictureUnavailable for one that may no longer be
    used.
    """
    remote_workers.record_worker_seen(scope, machine_id)
    row = run_of_lease(scope, machine_id, wanted.lease)
    if row is None:
        raise NotFound("machine.no_lease")
    job = records.get_run_row(scope, row.job_id)
    if wanted.sha256 not in {
        *run_inputs.check_run_inputs_in(scope, job),
        *run_inputs.style_digests(job),
    }:
        raise NotFound("machine.not_lent")


def return_lease(scope: Scope, machine_id: UUID, said: LeaseReturn) -> None:
    """Return a lease. A permanent failure fails the run with the worker's reason.

    Raises NotFound if the lease has already ended, so that a repeated request has no effect.
    """
    remote_workers.record_worker_seen(scope, machine_id)
    row = run_of_lease(scope, machine_id, said.lease)
    if row is None:
        raise NotFound("machine.no_lease")
    row.lease = None
    row.until = None
    row.numbers = []
    scope.add(row)
    if said.why == "later":
        row.tries += 1
        _extend_lease(scope, row, RETRY_DELAY)
        _count_lease_attempt(scope, row)
    elif said.why == "never":
        records.fail_run(scope, row.job_id, _return_reason(said))


def _return_reason(said: LeaseReturn) -> Message:
    """Return the worker's reason if it is a valid engine message, otherwise a general one."""
    reason = Message(said.code, said.params)
    if said.code.startswith("engine."):
        try:
            if all(render_message(reason, language) for language in LANGUAGES):
                return reason
        except (LookupError, ValueError):
            pass
    return Message("machine.cannot")
