"""What is missing of a run that failed, made once a person says so: what stands is kept, what was billed is not billed
again, and what a seller refused is left out."""

from uuid import UUID

from foundation.database import Scope
from gate.units import Rating, highest
from studio import home, models, queueing, quotas, recipes, runs, wording
from studio.states import JobState
from tenants import notices


def resume(scope: Scope, job_id: UUID) -> int:
    """Queue a run that failed again; how many pictures are missing. Its words are judged anew, as somebody who asks for
    them today would be.

    Raises NotFound, Conflict for a run that did not fail, and Refused as `jobs.start`.
    """
    row = runs.find(scope, job_id, lock=True)
    runs.move(scope, row, JobState.QUEUED)
    spec = recipes.of_run(scope, row)
    shots = recipes.resolve(spec, seed=row.seed, count=row.total, given=row.given)
    row.rating = str(highest([Rating(row.rating), wording.judge(scope, spec, shots, row.given)]))
    row.reason = None
    held = quotas.wait(scope, row.creator_id)
    runs.hold(row, held)
    scope.add(row)
    notices.settle(scope, f"job:{row.id}")
    if not (spec.engine == "" and home.takes_again(scope, row)):
        queueing.put(scope, row, spec, at=held.until if held is not None else None)
    return missing(scope, row)


def missing(scope: Scope, job: models.Job) -> int:
    """How many pictures of a run are neither there nor left out."""
    there = runs.there(scope, job)
    return sum(number not in there and number not in runs.skipped(job) for number in range(job.total))
