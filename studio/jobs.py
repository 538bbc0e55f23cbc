"""Runs of recipes: one picture after the other, each stored as soon as it is there, so that a crash resumes."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlmodel import select

from foundation import outbox
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope, stored
from foundation.errors import NotFound
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from foundation.words import Message
from gate import never
from generators.classifying import Classifier
from generators.contract import EngineMissing, ImageEngine, JobTooLarge
from generators.provenance import Credential
from studio import ingesting, library, models, recipes
from studio.events import JobDue
from studio.looking import Compare
from studio.recipes import Shot
from studio.states import JOB_STATES, JobState
from tenants import notices

RUNNING = "system:studio"
OVER = (JobState.DONE, JobState.FAILED, JobState.STOPPED)

Engine = Callable[[], ImageEngine]
"""Makes the engine at its first use: importing one may take seconds and memory."""


def start(
    scope: Scope,
    *,
    creator_id: UUID,
    recipe_id: UUID,
    seed: int,
    key: str,
    count: int | None = None,
    by: str = "",
    pause: int = 0,
) -> UUID:
    """Queue a run of a recipe, once per `key`; returns the job's id. Raises NotFound, BadInput, and Refused for words
    that name somebody who is never to be shown.

    `count` pictures, the recipe's variants when None; `by` is the actor who asks. With `pause`, one picture in so many
    seconds at most: in between the machine is for others.
    """
    library.alone(scope, "job", key)
    known = scope.session.exec(
        select(models.Job.id).where(models.Job.tenant_id == scope.tenant_id, models.Job.key == key)
    ).first()
    if known is not None:
        return known
    spec = recipes.spec_of(scope, recipe_id)
    shots = recipes.resolve(spec, seed=seed, count=count or spec.variants)  # a wrong one is told now, by no failed job
    never.refuse_words(scope, " \n ".join([spec.name, *(shot.job.prompt for shot in shots)]))
    row = models.Job(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        recipe_id=recipe_id,
        key=key,
        seed=seed,
        total=count or spec.variants,
        by=by,
    )
    scope.add(row)
    outbox.put(scope, JobDue(scope.tenant_id, row.id, pause), group=spec.model or None)
    return row.id


def run(
    event: JobDue,
    *,
    tenant: OpenScope,
    engine: Engine,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
) -> None:
    """Make the pictures that are missing. A missing or unfit engine fails the job with its words; others try again.

    Raises `outbox.Later` between two pictures of a run that leaves the machine to others.
    """
    with tenant(event.tenant_id, RUNNING) as scope:
        job = _job(scope, event.subject_id)
        if job.state in OVER:
            return
        if job.state == JobState.QUEUED:
            _move(scope, job, JobState.RUNNING)
        shots = recipes.resolve(recipes.spec_of(scope, job.recipe_id), seed=job.seed, count=job.total)
        there = library.made(scope, job.creator_id, [_source(job, shot) for shot in shots])
    bring = partial(ingesting.bring, tenant, store, tenant_id=job.tenant_id, classifier=classifier, compare=compare)
    try:
        with heartbeat() as pulse:
            for shot in shots[job.done :]:
                pulse.check()
                began = monotonic()
                if _source(job, shot) not in there:
                    _make(shot, job, engine=engine(), credential=credential(), bring=bring)
                with tenant(event.tenant_id, RUNNING) as scope:
                    if not _count(scope, job.id, shot.number + 1):
                        return
                if event.pause:
                    raise outbox.Later(timedelta(seconds=max(event.pause - (monotonic() - began), 0.0)))
    except (EngineMissing, JobTooLarge) as error:
        with tenant(event.tenant_id, RUNNING) as scope:
            _fail(scope, event.subject_id, error.message)


def stop(scope: Scope, job_id: UUID) -> None:
    """End a run; the picture being made is the last. Raises NotFound, and Conflict for a run that is over."""
    row = _job(scope, job_id, lock=True)
    _move(scope, row, JobState.STOPPED)
    outbox.cancel(scope, JobDue.kind, job_id)


def gave_up(event: JobDue, *, tenant: OpenScope) -> None:
    """The row of a run failed too often: the job fails too, so that nobody waits for it."""
    with tenant(event.tenant_id, RUNNING) as scope:
        _fail(scope, event.subject_id, Message("job.gave_up"))


def _make(
    shot: Shot, job: models.Job, *, engine: ImageEngine, credential: Credential, bring: Callable[..., UUID]
) -> None:
    picture = engine.draw(shot.job)
    prepared = ingesting.from_engine(
        picture, key=_source(job, shot), alt=shot.scene, credential=credential, job_id=job.id
    )
    bring(creator_id=job.creator_id, prepared=prepared)


def _source(job: models.Job, shot: Shot) -> str:
    """What makes a picture of a run once: a process that died after it stood finds it there."""
    return f"job:{job.id}:{shot.number}"


def _count(scope: Scope, job_id: UUID, done: int) -> bool:
    """Note how far a run is; whether it goes on."""
    row = _job(scope, job_id, lock=True)
    row.done = max(row.done, done)  # a worker that lost its row may come after the one that has it
    if row.done == row.total and row.state == JobState.RUNNING:
        _move(scope, row, JobState.DONE)
        notices.settle(scope, f"job:{job_id}")
    scope.add(row)
    return row.state == JobState.RUNNING


def _fail(scope: Scope, job_id: UUID, reason: Message) -> None:
    row = _job(scope, job_id, lock=True)
    if row.state in OVER:
        return
    row.reason = stored(reason)
    _move(scope, row, JobState.FAILED)
    notices.put(scope, reason, cause=f"job:{job_id}", creator_id=row.creator_id)


def _job(scope: Scope, job_id: UUID, *, lock: bool = False) -> models.Job:
    row = scope.session.get(models.Job, (scope.tenant_id, job_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("job.unknown")
    return row


def _move(scope: Scope, job: models.Job, after: JobState) -> None:
    JOB_STATES.check(JobState(job.state), after)
    job.state = str(after)
    scope.add(job)


def why(scope: Scope, job_id: UUID) -> Message | None:
    """Why a run failed; None of one that did not. Raises NotFound."""
    reason = _job(scope, job_id).reason
    return Message.from_json(reason) if reason else None


def progress(scope: Scope, job_id: UUID) -> tuple[JobState, int, int]:
    """State, pictures done, pictures in all. Raises NotFound."""
    row = _job(scope, job_id)
    return JobState(row.state), row.done, row.total


def assets(scope: Scope, job_id: UUID) -> list[UUID]:
    """What a run made so far, in order."""
    rows = scope.session.exec(
        select(models.Creation)
        .where(models.Creation.tenant_id == scope.tenant_id, models.Creation.job_id == job_id)
        .order_by(models.Creation.created_at, models.Creation.id)  # type: ignore[arg-type]  # columns
    )
    return [row.asset_id for row in rows]
