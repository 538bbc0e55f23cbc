"""Runs lent to machines of an agency's own: a few pictures at a time, under a lease that ends when a machine is silent.

Nothing is remembered of a machine but its lease: whatever dies, the pictures that are missing are lent again.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.words import LANGUAGES, Message, say
from generators.masks import Region
from generators.wire import Able, Asked, Beat, Given, Heard, Lent, Material, WorkWanted
from studio import home, library, materials, models, quotas, recipes, runs, storing
from studio.models_home import HomePicture, HomeRun
from studio.recipes import Shot, Spec
from studio.states import JobState, UploadState
from tenants import machines

LEASE = timedelta(seconds=60)
"""How long a machine may be silent; it says something several times within."""

AGAIN = timedelta(seconds=30)
"""After so long a run is lent again that a machine could not make for now."""

TRIES = 8
"""So often in a row a run is lent without a picture coming of it, then it fails: a machine that dies of it, or answers
that are lost, would go round for ever."""


@dataclass(frozen=True)
class Bounds:
    """What the house allows an agency: pictures a day, 0 for no limit, and bytes it may keep, None for no limit."""

    per_day: int = 0
    allowed: int | None = None


def lend(scope: Scope, machine_id: UUID, wanted: WorkWanted, bounds: Bounds) -> Lent | None:
    """Pictures for a machine, from the run that waits longest of those it can make; None when there are none.

    A machine that asks again, its program being the same, is answered with the lease it has. Raises Refused for a
    machine that ended.
    """
    machines.seen(scope, machine_id, wanted.able.model_dump(mode="json"))
    scope.hold(home.held(scope))
    for row in _rows(scope, machine_id, wanted.instance):
        job = runs.find(scope, row.job_id, lock=True)
        try:
            lent = None if job.state in runs.OVER else _lent(scope, job, wanted.able, bounds, row.id)
        except (materials.Gone, storing.Full) as error:
            runs.fail(scope, job.id, error.message)
            continue
        if lent is None or not _tried(scope, row):
            continue
        if (row.machine_id, row.instance) == (machine_id, wanted.instance) and row.lease is not None:
            lent = lent.model_copy(update={"lease": row.lease})
        row.machine_id, row.instance, row.lease = machine_id, wanted.instance, lent.lease
        row.numbers = [one.number for one in lent.pictures]
        _extend(scope, row, LEASE)
        if job.state == JobState.QUEUED:
            runs.move(scope, job, JobState.RUNNING)
        return lent
    return None


def _tried(scope: Scope, row: HomeRun) -> bool:
    """Whether a run may be lent once more; one that came back too often fails, with words."""
    if row.lease is not None:
        row.tries += 1
        scope.add(row)
    if row.tries < TRIES:
        return True
    runs.fail(scope, row.job_id, Message("machine.gave_up"))
    return False


def _extend(scope: Scope, row: HomeRun, by: timedelta) -> None:
    row.until = scope.run("SELECT people_now()").scalar_one() + by
    scope.add(row)


_ROWS = """
SELECT r.id FROM home_runs r JOIN jobs j ON j.tenant_id = r.tenant_id AND j.id = r.job_id
WHERE r.tenant_id = :tenant AND j.state IN ('queued', 'running')
  AND (r.until IS NULL OR r.until <= people_now()
       OR r.lease IS NOT NULL AND r.machine_id = :machine AND r.instance = :instance)
ORDER BY (r.lease IS NOT NULL AND r.machine_id = :machine AND r.instance = :instance) DESC, j.created_at, j.id
"""


def _rows(scope: Scope, machine_id: UUID, instance: UUID) -> list[HomeRun]:
    """Runs that may be lent to a machine, that which it has first."""
    ids = scope.run(_ROWS, tenant=scope.tenant_id, machine=machine_id, instance=instance).scalars().all()
    rows = scope.session.exec(
        select(HomeRun)
        .where(HomeRun.tenant_id == scope.tenant_id, col(HomeRun.id).in_(ids))
        .execution_options(populate_existing=True)
    )
    found = {row.id: row for row in rows}
    return [found[one] for one in ids]


def _lent(scope: Scope, job: models.Job, able: Able, bounds: Bounds, run_id: UUID) -> Lent | None:
    """The next pictures of a run, under a new lease; None of one that cannot be made here, or now."""
    spec = recipes.of_run(scope, job)
    if not able.fits(model=spec.model, loras=list(spec.loras), needs=materials.needs(job)):
        return None
    missing = _missing(scope, job, spec)
    if not missing:
        return None  # all of them are on their way into the library
    held = quotas.wait(scope, job.creator_id, per_day=bounds.per_day)
    runs.hold(job, held)
    scope.add(job)
    most = min(
        runs.TURN_PICTURES, quotas.left(scope, job.creator_id, per_day=bounds.per_day) - _on_their_way(scope, run_id)
    )
    if held is not None or most < 1:
        return None
    storing.check(scope, bounds.allowed, 1)
    return Lent(lease=uuid7(), seconds=LEASE.total_seconds(), pictures=_asked(scope, job, missing[:most]))


def _asked(scope: Scope, job: models.Job, shots: Sequence[Shot]) -> list[Asked]:
    """As they are sent, with the names of the pictures they work from. Raises Gone for one not to be used any more."""
    first, posture = materials.checked(scope, job)
    begin, pose = materials.begin_of(job), materials.pose_of(job)
    said: dict[str, Any] = {"init": first, "references": materials.digests_of_look(job), "pose": posture}
    match begin.region if begin is not None else None:
        case Region() as one:
            said["region"] = astuple(one)
        case tuple() as several:
            said["shapes"] = list(several)
    changes: dict[str, Any] = {"strength": begin.anew / 100} if begin is not None else {}
    changes |= {"pose_weight": pose.weight / 100} if pose is not None else {}
    return [Asked.of(one.number, replace(one.job, **changes), **said) for one in shots]


def _missing(scope: Scope, job: models.Job, spec: Spec) -> Sequence[Shot]:
    """The pictures of a run that nobody made yet."""
    shots = recipes.resolve(spec, seed=job.seed, count=job.total, given=job.given)[job.done :]
    there = library.made(scope, job.creator_id, [runs.source(job, one.number) for one in shots])
    came = set(
        scope.session.exec(
            select(HomePicture.number).where(HomePicture.tenant_id == scope.tenant_id, HomePicture.job_id == job.id)
        )
    )
    gone = came | runs.skipped(job)
    return [one for one in shots if runs.source(job, one.number) not in there and one.number not in gone]


_ON_THEIR_WAY = """
SELECT (SELECT count(*) FROM home_pictures WHERE tenant_id = :tenant AND state = :waiting)
  + (SELECT coalesce(sum(jsonb_array_length(numbers)), 0) FROM home_runs
     WHERE tenant_id = :tenant AND id <> :run AND lease IS NOT NULL AND until > people_now())
"""


def _on_their_way(scope: Scope, run_id: UUID) -> int:
    """Pictures of the agency that are not in the library yet, and count against its day already."""
    waits = str(UploadState.WAITING)
    return int(scope.run(_ON_THEIR_WAY, tenant=scope.tenant_id, waiting=waits, run=run_id).scalar_one())


def beat(scope: Scope, machine_id: UUID, said: Beat) -> Heard:
    """A machine is at it: its lease goes on, unless its run was ended or another has it. Raises Refused."""
    machines.seen(scope, machine_id)
    row = held_by(scope, machine_id, said.lease)
    if row is None:
        return Heard(state="lost")
    job = runs.find(scope, row.job_id, lock=True)
    if job.state in runs.OVER:
        return Heard(state="stop")
    _extend(scope, row, LEASE)
    job.step, job.steps = said.step, said.steps
    scope.add(job)
    return Heard(state="go")


def held_by(scope: Scope, machine_id: UUID, lease: UUID) -> HomeRun | None:
    """The run of a lease; None where it is over, or was never this machine's. One that merely ran out stands until the
    run is lent again: what a machine made while nobody heard it is not lost."""
    scope.hold(home.held(scope))
    return scope.session.exec(
        select(HomeRun)
        .where(HomeRun.tenant_id == scope.tenant_id, HomeRun.machine_id == machine_id, HomeRun.lease == lease)
        .execution_options(populate_existing=True)
    ).first()


def came(scope: Scope, row: HomeRun, number: int) -> None:
    """A picture of a lease came; with the last of them it is over. Its run was worth a try."""
    row.numbers, row.tries = [one for one in row.numbers if one != number], 0
    if row.numbers:
        _extend(scope, row, LEASE)
    else:
        row.lease, row.until = None, None
    scope.add(row)


def material(scope: Scope, machine_id: UUID, wanted: Material) -> None:
    """Let a machine have a picture that those of its lease work from, checked anew. Raises NotFound for any other, and
    Gone for one that may not be used any more."""
    machines.seen(scope, machine_id)
    row = held_by(scope, machine_id, wanted.lease)
    if row is None:
        raise NotFound("machine.no_lease")
    job = runs.find(scope, row.job_id)
    if wanted.sha256 not in {*materials.checked(scope, job), *materials.digests_of_look(job)}:
        raise NotFound("machine.not_lent")


def give_back(scope: Scope, machine_id: UUID, said: Given) -> None:
    """A machine makes no more of a lease; what can never be made ends the run, in its words. Raises NotFound for a
    lease that is over: said twice, it is done once."""
    machines.seen(scope, machine_id)
    row = held_by(scope, machine_id, said.lease)
    if row is None:
        raise NotFound("machine.no_lease")
    row.lease, row.until, row.numbers = None, None, []
    scope.add(row)
    if said.why == "later":
        row.tries += 1
        _extend(scope, row, AGAIN)
        _tried(scope, row)
    elif said.why == "never":
        runs.fail(scope, row.job_id, _reason(said))


def _reason(said: Given) -> Message:
    """Why a machine cannot make a picture: in the words of engines where it uses them rightly."""
    reason = Message(said.code, said.params)
    if said.code.startswith("engine."):
        try:
            if all(say(reason, language) for language in LANGUAGES):
                return reason
        except (LookupError, ValueError):
            pass
    return Message("machine.cannot")
