"""Which runs are made by the agency's own machines, and how these go back to the house.

An agency whose machine came at least once has its runs made there, and nowhere else: a run is either in the queue of
our workers or here. When the last such machine ends, what is left of them goes to our workers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from generators.wire import Able
from studio import materials, models, queueing, recipes, runs
from studio.models_home import HomePicture, HomeRun
from studio.states import UploadState
from tenants import machines


@dataclass(frozen=True)
class Working:
    """What a machine is doing: the recipe's name, and the pictures done of all."""

    recipe: str
    done: int
    total: int


def takes(scope: Scope, job: models.Job) -> bool:
    """Have a new run made at home, where the agency has a machine there; whether it is."""
    if not machines.joined(scope):
        return False
    scope.add(HomeRun(tenant_id=scope.tenant_id, creator_id=job.creator_id, job_id=job.id))
    return True


def takes_again(scope: Scope, job: models.Job) -> bool:
    """As `takes`, of a run that failed: what was refused of it may be handed in anew."""
    scope.hold(held(scope))
    for picture in scope.session.exec(
        select(HomePicture).where(
            HomePicture.tenant_id == scope.tenant_id,
            HomePicture.job_id == job.id,
            HomePicture.state == str(UploadState.REFUSED),
        )
    ):
        scope.session.delete(picture)
    row = scope.session.exec(
        select(HomeRun).where(HomeRun.tenant_id == scope.tenant_id, HomeRun.job_id == job.id)
    ).first()
    if row is None:
        return takes(scope, job)
    if not machines.joined(scope):
        scope.session.delete(row)
        return False
    row.lease, row.until, row.numbers, row.tries = None, None, [], 0
    scope.add(row)
    return True


def end(scope: Scope, machine_id: UUID) -> int:
    """End a machine: its key opens nothing any more, and what it was lent may be lent to another at once. Of the last,
    all runs that wait go to our workers; how many did. Raises as `machines.revoke`.
    """
    machines.revoke(scope, machine_id)
    scope.hold(held(scope))
    if machines.joined(scope):
        scope.run(
            "UPDATE home_runs SET lease = NULL, until = NULL WHERE tenant_id = :tenant AND machine_id = :machine",
            tenant=scope.tenant_id,
            machine=machine_id,
        )
        return 0
    waiting = _waiting(scope)
    for row, job in waiting:
        queueing.put(scope, job, recipes.spec_of(scope, job.recipe_id))
        scope.session.delete(row)
    return len(waiting)


def able(scope: Scope) -> frozenset[str] | None:
    """What the agency's machines can be asked beside words, as `ImageJob.asks`, all of them together; None where it has
    none, so that the house makes its pictures."""
    there = _able(scope)
    return frozenset(what for one in there for what in one.does) if there else None


def _able(scope: Scope) -> list[Able]:
    return [
        Able.model_validate(one.able)
        for one in machines.machines(scope)
        if one.revoked_at is None and one.seen_at is not None
    ]


def held(scope: Scope) -> str:
    """The name under which runs are lent and called back one after the other."""
    return f"home:{scope.tenant_id}"


def _waiting(scope: Scope) -> list[tuple[HomeRun, models.Job]]:
    found = scope.session.exec(
        select(HomeRun, models.Job)
        .where(
            HomeRun.tenant_id == scope.tenant_id,
            models.Job.tenant_id == scope.tenant_id,
            models.Job.id == HomeRun.job_id,
            col(models.Job.state).not_in(list(runs.OVER)),
        )
        .order_by(col(models.Job.created_at), col(models.Job.id))
    )
    return list(found.all())


def lacking(scope: Scope) -> list[str]:
    """Models and LoRAs that waiting runs ask for and no living machine has: these wait for ever."""
    there = _able(scope)
    wanted: dict[str, None] = {}
    for _, job in _waiting(scope):
        spec = recipes.spec_of(scope, job.recipe_id)
        needs = materials.needs(job)
        if not any(one.fits(model=spec.model, loras=list(spec.loras), needs=needs) for one in there):
            wanted |= dict.fromkeys([spec.model, *spec.loras])
    return [name for name in wanted if name]


_WORKING = """
SELECT r.machine_id, c.name, j.done, j.total FROM home_runs r
JOIN jobs j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
JOIN recipes c ON c.tenant_id = j.tenant_id AND c.id = j.recipe_id
WHERE r.tenant_id = :tenant AND r.lease IS NOT NULL AND r.until > people_now() AND j.state = 'running'
"""


def working(scope: Scope) -> Mapping[UUID, Working]:
    """What each machine is doing now; one that does nothing is absent."""
    rows = scope.run(_WORKING, tenant=scope.tenant_id).all()
    return {row.machine_id: Working(row.name, row.done, row.total) for row in rows}


def waiting(scope: Scope) -> int:
    """How many runs wait for a machine, or are being made by one."""
    return len(_waiting(scope))
