"""Which runs belong together on one device: those of the same weights, so that what is loaded is
used before others.

Where a run waits for whoever makes its pictures: in the device's queue, or in that of what is
bought.
"""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from foundation.db.database import Scope
from foundation.outbox import outbox
from generators import registry
from studio.recipes.specs import RecipeSpec
from studio.runs.events import HostedRunDue, RunDue
from studio.runs.models import JobRow


def model_group(model: str, *, engine: str = "", adapters: Iterable[str] = ()) -> str:
    """The outbox's `group_key` of a run: engine, model and the set of adapters (LoRAs), in any
    order of these.

    Empty names are the installation's own engine and its own model, which are a group as well. The
    number format of the weights is the engine's business and is no part of it.
    """
    return "|".join([engine, model, *sorted(set(adapters))])


def model_group_prefix(group: str) -> str:
    """How the groups of the same model begin, ended by `|`: other adapters take a moment, another
    model far more."""
    return "".join(f"{part}|" for part in group.split("|")[:2])


RunEvent = RunDue | HostedRunDue


def enqueue_run(
    scope: Scope,
    job: JobRow,
    spec: RecipeSpec,
    *,
    pause: int = 0,
    at: datetime | None = None,
    hosted: bool | None = None,
) -> None:
    """Queue a run. `hosted` says whether its engine is somebody else's; where only the process that
    works knows (None, and the recipe names no engine), the row goes to the device's queue, and is
    handed on from there.

    A bought run has a lane of its own: a row that a death left twice is worked on once.
    """
    if registry.is_hosted(spec.engine) if hosted is None else hosted:
        outbox.put(scope, HostedRunDue(scope.tenant_id, job.id, pause), at=at, lane=f"job:{job.id}")
        return
    group = model_group(spec.model, engine=spec.engine, adapters=spec.loras)
    outbox.put(scope, RunDue(scope.tenant_id, job.id, pause), at=at, group=group)


def expedite_run(scope: Scope, job_id: UUID) -> int:
    """Have a run that waits looked at now, with the pause it was asked with; how many rows of it
    wait."""
    return outbox.make_due(scope, job_id, RunDue.kind, HostedRunDue.kind)


def cancel_queued_run(scope: Scope, job_id: UUID) -> int:
    """Remove the rows of a run that wait, in either queue; how many there were."""
    return outbox.cancel_all(scope, job_id, RunDue.kind, HostedRunDue.kind)
