"""Queues of runs: local runs grouped by model, so that loaded weights are reused, and
hosted runs."""

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
    """Return the outbox `group_key` of a run: engine, model and LoRAs, regardless of their order.

    Empty names mean the installation's defaults, which also form a group. The number format of
    weights is chosen by the engine and is not part of the key.
    """
    return "|".join([engine, model, *sorted(set(adapters))])


def model_group_prefix(group: str) -> str:
    """Return the prefix, ending in `|`, of groups with the same model.

    Changing LoRAs takes a moment, changing the model much longer.
    """
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
    """Queue a run.

    `hosted` is True for an external engine. If it is None and the recipe names no engine, only the
    worker knows; the run is then queued for the device and forwarded from there. A hosted run has
    its own lane, so that a duplicate event after a crash is processed once.
    """
    if registry.is_hosted(spec.engine) if hosted is None else hosted:
        outbox.put(scope, HostedRunDue(scope.tenant_id, job.id, pause), at=at, lane=f"job:{job.id}")
        return
    group = model_group(spec.model, engine=spec.engine, adapters=spec.loras)
    outbox.put(scope, RunDue(scope.tenant_id, job.id, pause), at=at, group=group)


def expedite_run(scope: Scope, job_id: UUID) -> int:
    """Make the queued events of a run due now; return their number."""
    return outbox.make_due(scope, job_id, RunDue.kind, HostedRunDue.kind)


def cancel_queued_run(scope: Scope, job_id: UUID) -> int:
    """Remove the queued events of a run from both queues; return their number."""
    return outbox.cancel_all(scope, job_id, RunDue.kind, HostedRunDue.kind)
