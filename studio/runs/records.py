"""Records of runs: state changes, progress and completion, for local, hosted and remote
generation."""

from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from studio.costs import quotas, spending_caps
from studio.library import assets, storage_quota
from studio.library.assets import run_source_key
from studio.runs.models import JobRow
from studio.runs.states import JOB_STATES, JobState
from tenants.notices import notices

STUDIO_ACTOR = "system:studio"
ENDED_RUN_STATES = (JobState.DONE, JobState.FAILED, JobState.STOPPED)
TURN_PICTURES = 4
"""Number of images of a run after which other runs may use the device."""


def check_room(tenant: OpenScope, tenant_id: UUID, allowed: int | None, size: int) -> None:
    """Raise StorageFull if `size` more bytes would exceed the agency's storage quota."""
    with tenant(tenant_id, STUDIO_ACTOR) as scope:
        storage_quota.check_storage(scope, allowed, size)


def set_wait(row: JobRow, held: quotas.GenerationWait | None) -> None:
    """Set or clear the time until which a run waits, and its reason."""
    row.waits_until, row.waits_for = (held.until, held.why) if held is not None else (None, "")


def picture_source_key(job: JobRow, number: int) -> str:
    """Return the source key of an image of a run, by which a restarted worker finds it."""
    return run_source_key(job.id, number)


def existing_numbers(scope: Scope, job: JobRow) -> frozenset[int]:
    """Return the indexes of the images of a run that exist."""
    sources = {picture_source_key(job, number): number for number in range(job.total)}
    return frozenset(
        sources[one] for one in assets.assets_by_source(scope, job.creator_id, list(sources))
    )


def skipped_numbers(job: JobRow) -> frozenset[int]:
    """Return the indexes of the images of a run that are not requested again."""
    return frozenset(one["number"] for one in job.skipped)


def count_settled(scope: Scope, job: JobRow) -> int:
    """Return the number of images before the first one that neither exists nor is skipped."""
    there = assets.assets_by_source(
        scope,
        job.creator_id,
        [picture_source_key(job, number) for number in range(job.done, job.total)],
    )
    numbers = range(job.done, job.total)
    left_out = skipped_numbers(job)
    missing = (
        number
        for number in numbers
        if picture_source_key(job, number) not in there and number not in left_out
    )
    return next(missing, job.total)


def skip_picture(tenant: OpenScope, job: JobRow, number: int, reason: Message) -> bool:
    """Skip a rejected image; return True if the run continues. A run that ends without any image
    fails."""
    with tenant(job.tenant_id, STUDIO_ACTOR) as scope:
        row = get_run_row(scope, job.id, lock=True)
        if number not in skipped_numbers(row):
            row.skipped = [*row.skipped, {"number": number, "reason": reason.to_json()}]
        return record_progress_in(scope, row, number + 1)


def record_progress(tenant: OpenScope, job: JobRow, done: int) -> bool:
    """Record the progress of a run in a separate transaction; return True if the run continues."""
    with tenant(job.tenant_id, STUDIO_ACTOR) as scope:
        return record_progress_in(scope, get_run_row(scope, job.id, lock=True), done)


def record_progress_in(scope: Scope, row: JobRow, done: int) -> bool:
    """Record the progress like `record_progress`, on a locked row."""
    row.step = row.steps = 0
    row.done = max(row.done, done)  # a worker that lost its lease may report after its successor
    scope.add(row)
    if row.done == row.total and row.state == JobState.RUNNING:
        _finish_run(scope, row)
    return row.state == JobState.RUNNING


def _finish_run(scope: Scope, row: JobRow) -> None:
    """Complete a run, and notify the members of rejected images. The run fails if all images were
    rejected."""
    if len(row.skipped) == row.total:
        _mark_run_failed(scope, row, Message.from_json(row.skipped[-1]["reason"]))
        return
    move_run(scope, row, JobState.DONE)
    notices.close(scope, f"job:{row.id}")
    if row.skipped:
        told = Message("job.skipped", {"count": len(row.skipped), "total": row.total})
        notices.put(scope, told, cause=f"job:{row.id}:skipped", creator_id=row.creator_id)


def fail_run(scope: Scope, job_id: UUID, reason: Message) -> None:
    """Fail a run and notify the members; a run that has ended is not changed. Raises NotFound."""
    row = get_run_row(scope, job_id, lock=True)
    if row.state not in ENDED_RUN_STATES:
        _mark_run_failed(scope, row, reason)


def _mark_run_failed(scope: Scope, row: JobRow, reason: Message) -> None:
    row.reason = stored_message(reason)
    move_run(scope, row, JobState.FAILED)
    spending_caps.release_run_orders(scope, row.id)
    notices.put(scope, reason, cause=f"job:{row.id}", creator_id=row.creator_id)


def get_run_row(scope: Scope, job_id: UUID, *, lock: bool = False) -> JobRow:
    """Return the row of a run. Raises NotFound."""
    row = scope.session.get(JobRow, (scope.tenant_id, job_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("job.unknown")
    return row


def move_run(scope: Scope, job: JobRow, after: JobState) -> None:
    """Change the state of a run. Raises Conflict for an invalid transition."""
    JOB_STATES.check(JobState(job.state), after)
    job.state = str(after)
    if after in ENDED_RUN_STATES:
        job.step = job.steps = 0
        set_wait(job, None)
    scope.add(job)
