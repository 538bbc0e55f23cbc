"""The row of a run: what moves it, counts it and ends it, whoever makes its pictures."""

from uuid import UUID

from foundation.database import OpenScope, Scope, stored
from foundation.errors import NotFound
from foundation.words import Message
from studio import library, models, quotas, spending, storing
from studio.states import JOB_STATES, JobState
from tenants import notices

RUNNING = "system:studio"
OVER = (JobState.DONE, JobState.FAILED, JobState.STOPPED)
TURN_PICTURES = 4
"""So many pictures of a run are made, then others may have the machine."""


def room(tenant: OpenScope, tenant_id: UUID, allowed: int | None, size: int) -> None:
    """Raise storing.Full when the agency has no room for so many bytes."""
    with tenant(tenant_id, RUNNING) as scope:
        storing.check(scope, allowed, size)


def hold(row: models.Job, held: quotas.Wait | None) -> None:
    """Say on the row until when it waits and for what; for nothing when None."""
    row.waits_until, row.waits_for = (held.until, held.why) if held is not None else (None, "")


def source(job: models.Job, number: int) -> str:
    """What makes a picture of a run once: a process that died after it stood finds it there."""
    return source_of(job.id, number)


def source_of(job_id: UUID, number: int) -> str:
    """The same by the run's id."""
    return f"job:{job_id}:{number}"


def there(scope: Scope, job: models.Job) -> frozenset[int]:
    """The numbers of the pictures of a run that stand."""
    sources = {source(job, number): number for number in range(job.total)}
    return frozenset(sources[one] for one in library.made(scope, job.creator_id, list(sources)))


def skipped(job: models.Job) -> frozenset[int]:
    """The numbers of the pictures of a run that nobody asks for again."""
    return frozenset(one["number"] for one in job.skipped)


def following(scope: Scope, job: models.Job) -> int:
    """How many pictures of a run stand or are skipped, counted up to the first that is missing."""
    there = library.made(scope, job.creator_id, [source(job, number) for number in range(job.done, job.total)])
    numbers, left_out = range(job.done, job.total), skipped(job)
    missing = (number for number in numbers if source(job, number) not in there and number not in left_out)
    return next(missing, job.total)


def skip(tenant: OpenScope, job: models.Job, number: int, reason: Message) -> bool:
    """Go on without a picture that was refused; whether the run goes on. One that made none at all fails."""
    with tenant(job.tenant_id, RUNNING) as scope:
        row = find(scope, job.id, lock=True)
        if number not in skipped(row):
            row.skipped = [*row.skipped, {"number": number, "reason": reason.to_json()}]
        return count(scope, row, number + 1)


def counted(tenant: OpenScope, job: models.Job, done: int) -> bool:
    """Note how far a run is, in a transaction of its own; whether it goes on."""
    with tenant(job.tenant_id, RUNNING) as scope:
        return count(scope, find(scope, job.id, lock=True), done)


def count(scope: Scope, row: models.Job, done: int) -> bool:
    """The same of a row that is locked."""
    row.step = row.steps = 0
    row.done = max(row.done, done)  # a worker that lost its row may come after the one that has it
    scope.add(row)
    if row.done == row.total and row.state == JobState.RUNNING:
        _end(scope, row)
    return row.state == JobState.RUNNING


def _end(scope: Scope, row: models.Job) -> None:
    """All of it was asked for; what was refused is told."""
    if len(row.skipped) == row.total:
        _fail(scope, row, Message.from_json(row.skipped[-1]["reason"]))
        return
    move(scope, row, JobState.DONE)
    notices.settle(scope, f"job:{row.id}")
    if row.skipped:
        told = Message("job.skipped", {"count": len(row.skipped), "total": row.total})
        notices.put(scope, told, cause=f"job:{row.id}:skipped", creator_id=row.creator_id)


def fail(scope: Scope, job_id: UUID, reason: Message) -> None:
    """End a run that cannot be made and tell the agency; one that is over stays as it is. Raises NotFound."""
    row = find(scope, job_id, lock=True)
    if row.state not in OVER:
        _fail(scope, row, reason)


def _fail(scope: Scope, row: models.Job, reason: Message) -> None:
    row.reason = stored(reason)
    move(scope, row, JobState.FAILED)
    spending.release_all(scope, row.id)
    notices.put(scope, reason, cause=f"job:{row.id}", creator_id=row.creator_id)


def find(scope: Scope, job_id: UUID, *, lock: bool = False) -> models.Job:
    """The row of a run. Raises NotFound."""
    row = scope.session.get(models.Job, (scope.tenant_id, job_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("job.unknown")
    return row


def move(scope: Scope, job: models.Job, after: JobState) -> None:
    """Give a run another state. Raises Conflict for a move there is none of."""
    JOB_STATES.check(JobState(job.state), after)
    job.state = str(after)
    if after in OVER:
        job.step = job.steps = 0
        hold(job, None)
    scope.add(job)
