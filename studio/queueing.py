"""Where a run waits for whoever makes its pictures: in the device's queue, or in that of what is bought."""

from datetime import datetime
from uuid import UUID

from foundation import outbox
from foundation.database import Scope
from generators import registry
from studio import affinity, models
from studio.events import BuyDue, JobDue
from studio.recipes import Spec

RunDue = JobDue | BuyDue


def put(
    scope: Scope,
    job: models.Job,
    spec: Spec,
    *,
    pause: int = 0,
    at: datetime | None = None,
    hosted: bool | None = None,
) -> None:
    """Queue a run. `hosted` says whether its engine is somebody else's; where only the process that works knows (None,
    and the recipe names no engine), the row goes to the device's queue, and is handed on from there.

    A bought run has a lane of its own: a row that a death left twice is worked on once.
    """
    if registry.is_hosted(spec.engine) if hosted is None else hosted:
        outbox.put(scope, BuyDue(scope.tenant_id, job.id, pause), at=at, lane=f"job:{job.id}")
        return
    group = affinity.group(spec.model, engine=spec.engine, adapters=spec.loras)
    outbox.put(scope, JobDue(scope.tenant_id, job.id, pause), at=at, group=group)


def hasten(scope: Scope, job_id: UUID) -> int:
    """Have a run that waits looked at now, with the pause it was asked with; how many rows of it wait."""
    return outbox.hasten(scope, job_id, JobDue.kind, BuyDue.kind)


def cancel(scope: Scope, job_id: UUID) -> int:
    """Remove the rows of a run that wait, in either queue; how many there were."""
    return outbox.cancel_all(scope, job_id, JobDue.kind, BuyDue.kind)
