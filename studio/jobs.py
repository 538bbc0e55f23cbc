"""Runs of recipes: a few pictures at a time, each stored as soon as it is there, so that a crash resumes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope
from foundation.jobs import heartbeat, others_wait
from foundation.money import Price
from foundation.storage import ObjectStore
from foundation.words import Message
from gate.units import Rating
from generators.classifying import Classifier
from generators.contract import (
    Batching,
    EngineBusy,
    EngineMissing,
    EngineUnreachable,
    Hosted,
    ImageEngine,
    JobTooLarge,
    Picture,
    Undelivered,
)
from generators.provenance import Credential
from studio import (
    asking,
    home,
    ingesting,
    library,
    materials,
    models,
    parameters,
    queueing,
    quotas,
    recipes,
    runs,
    spending,
    storing,
    word_lists,
    wording,
)
from studio.beginnings import Beginning
from studio.buying import Buyer, Stopped
from studio.events import BuyDue
from studio.looking import Compare
from studio.looks import Frozen
from studio.materials import Posture
from studio.parameters import Answer
from studio.queueing import RunDue
from studio.recipes import Shot, Spec
from studio.runs import TURN_PICTURES
from studio.spending import CapReached, Caps
from studio.states import JobState
from studio.watching import Watch

TURN_SECONDS = 60.0
"""A run gives the machine back after `TURN_PICTURES`, or so long, when another tenant waits for it."""

NO_CAPS: Caps = {}

AWAY = timedelta(seconds=20)
"""Until the next try where an engine went away after a picture of it was kept."""

MOST_REFUSED = 3
"""So many refused in a row end a run: each may be billed, and the next would hardly fare better."""

TOLD_EVERY = 1.0
"""Seconds between two tellings of a picture's step, at least; a stop is seen as often."""

Engine = Callable[[], ImageEngine]
"""Makes the engine at its first use: importing one may take seconds and memory."""

Named = Callable[[str], ImageEngine]
"""The same of the engine a recipe names. Raises EngineMissing where that is not there."""


MakeRoom = Callable[[str], None]
"""Has others let go of the card that the engine of this name works on."""


def as_it_is(_engine: str) -> None:
    """Where the card is nobody else's."""


def nowhere(name: str) -> ImageEngine:
    """Where only the usual engine is. Raises EngineMissing."""
    raise EngineMissing("engine.not_here", engine=name)


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
    given: Mapping[str, Answer] | None = None,
    begin: Beginning | None = None,
    pose: Posture | None = None,
    look: Frozen | None = None,
    lists: word_lists.Frozen | None = None,
) -> UUID:
    """Queue a run of a recipe, once per `key`; returns the job's id. Raises NotFound, BadInput, and Refused for words
    of which no picture is made (`studio/wording.py`). Where the agency has machines of its own, it waits for these,
    unless its recipe names an engine of the installation.

    `count` pictures, as many as the recipe says when None; `given` answers what it asks; `by` is the actor who asks;
    `begin`, `pose` and `look` are the pictures it works from (`studio/materials.py`), `lists` those of a run before.
    With `pause`, one picture in so many seconds at most: in between the machine is for others. Outside the hours of
    generation, or beyond the agency's own quota, it waits, and says until when.
    """
    library.alone(scope, "job", key)
    known = scope.session.exec(
        select(models.Job.id).where(models.Job.tenant_id == scope.tenant_id, models.Job.key == key)
    ).first()
    if known is not None:
        return known
    written = recipes.spec_of(scope, recipe_id)
    lists = word_lists.in_force(scope, creator_id, written.prompt) if lists is None else lists
    spec = recipes.listed(written, lists)
    total, answers = count or spec.pictures, parameters.complete(spec.parameters, given or {})
    shots = recipes.resolve(spec, seed=seed, count=total, given=answers)  # a wrong one is told now, by no failed job
    rating = wording.judge(scope, spec, shots, answers)
    row = models.Job(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        recipe_id=recipe_id,
        key=key,
        seed=seed if spec.seed is None else spec.seed,
        total=total,
        by=by,
        given=answers,
        lists=dict(lists),
        rating=str(rating),
        **materials.columns(scope, creator_id, spec, begin=begin, pose=pose, look=look),
    )
    held = quotas.wait(scope, creator_id)
    runs.hold(row, held)
    scope.add(row)
    if not (spec.engine == "" and home.takes(scope, row)):
        queueing.put(scope, row, spec, pause=pause, at=held.until if held is not None else None)
    return row.id


def run(
    event: RunDue,
    *,
    tenant: OpenScope,
    engine: Engine,
    store: ObjectStore,
    credential: Callable[[], Credential],
    classifier: Classifier | None = None,
    compare: Compare | None = None,
    per_day: int = 0,
    caps: Caps = NO_CAPS,
    told_every: float = TOLD_EVERY,
    named: Named = nowhere,
    make_room: MakeRoom = as_it_is,
) -> None:
    """Make the pictures that are missing. Without a fit engine, or room, the job fails in words; else it is retried.

    `per_day` is the house's quota of pictures, 0 for none; `caps` are its caps on what is bought; steps are told every
    `told_every` seconds; `engine` is the usual one, `named` finds those recipes name; `make_room` frees their card.
    Raises `outbox.Later` between two pictures of a run that leaves the machine to others, or must wait.
    """
    with tenant(event.tenant_id, runs.RUNNING) as scope:
        job = runs.find(scope, event.subject_id)
        if job.state in runs.OVER:
            return
        (spec, shots, left), labels = _missing(scope, job), asking.labelled(scope, job)
    engine = partial(named, spec.engine) if spec.engine else engine
    bring = partial(ingesting.bring, tenant, store, tenant_id=job.tenant_id, classifier=classifier, compare=compare)
    turn, refused, began = 0, 0, monotonic()
    try:
        if _handed_on(event, tenant, job, spec=spec, engine=engine(), make_room=make_room):
            return
        with heartbeat() as pulse:
            while left:
                pulse.check()
                part_began = monotonic()
                most = _may_draw(tenant, job, per_day)
                group, part = _group(shots, left, _most(event, engine))
                part, group = part[:most], materials.fitted(tenant, store, job, group, actor=runs.RUNNING)
                runs.room(tenant, job.tenant_id, store.allowed, 1)  # nothing is drawn that surely cannot be kept
                watch = Watch(tenant, job, pulse, every=told_every)
                buyer = Buyer(tenant, store, job, caps, spec.most_spent, per_day=per_day)
                made = asking.asked(engine(), group, watch, buyer, labels)
                try:
                    for _ in _kept(_prepared(made, group, part, job, credential), tenant, job, store, bring):
                        turn, refused = turn + 1, 0
                except Undelivered as error:
                    if not _left_out(tenant, job, part[0].number, error, refused := refused + 1):
                        return
                if left := left[len(part) :]:
                    _leave(event, turn, turn_began=began, part_began=part_began)
            runs.counted(tenant, job, job.total)
    except Stopped:
        return
    except EngineUnreachable as away:
        _come_back(away, turn)
        raise
    except (EngineMissing, JobTooLarge, Undelivered, CapReached, storing.Full, materials.Gone) as error:
        with tenant(event.tenant_id, runs.RUNNING) as scope:
            runs.fail(scope, event.subject_id, error.message)


def _left_out(tenant: OpenScope, job: models.Job, number: int, error: Undelivered, refused: int) -> bool:
    """Go on without a picture; whether the run does. Raises the error after too many in a row."""
    if not runs.skip(tenant, job, number, error.message):
        return False
    if refused >= MOST_REFUSED:
        raise error
    return True


def _handed_on(
    event: RunDue, tenant: OpenScope, job: models.Job, *, spec: Spec, engine: ImageEngine, make_room: MakeRoom
) -> bool:
    """Whether the run belongs into the other queue, and waits there now: what is bought needs no device. Of one that
    stays, the device is cleared."""
    hosted = isinstance(engine, Hosted)
    if hosted == isinstance(event, BuyDue):
        make_room(engine.name)
        return False
    with tenant(job.tenant_id, runs.RUNNING) as scope:
        queueing.put(scope, job, spec, pause=event.pause, hosted=hosted)
    return True


def _come_back(away: EngineUnreachable, turn: int) -> None:
    """Raise Later for an engine that says when, and for one that was there a moment ago: that is a first failure."""
    if isinstance(away, EngineBusy):
        raise outbox.Later(timedelta(seconds=away.after), fresh=turn > 0) from away
    if turn:
        raise outbox.Later(AWAY, fresh=True) from away


def _missing(scope: Scope, job: models.Job) -> tuple[Spec, Sequence[Shot], list[Shot]]:
    """The recipe of a run, its pictures, and those that nobody made yet and that are not skipped."""
    spec = recipes.of_run(scope, job)
    shots = recipes.resolve(spec, seed=job.seed, count=job.total, given=job.given)
    there = library.made(scope, job.creator_id, [runs.source(job, shot.number) for shot in shots])
    gone = runs.skipped(job)
    left = [one for one in shots[job.done :] if runs.source(job, one.number) not in there and one.number not in gone]
    return spec, shots, left


def _group(shots: Sequence[Shot], left: Sequence[Shot], size: int) -> tuple[list[Shot], list[Shot]]:
    """The pictures drawn together next, and those of them that are missing. Groups follow from the numbers alone: how a
    picture comes out may depend by a rounding on which it is drawn with, and must not on when a run was cut off."""
    which = left[0].number // size
    return [one for one in shots if one.number // size == which], [one for one in left if one.number // size == which]


def _kept(
    made: Iterator[tuple[int, ingesting.Prepared]],
    tenant: OpenScope,
    job: models.Job,
    store: ObjectStore,
    bring: Callable[..., UUID],
) -> Iterator[int]:
    """Bring pictures into the library as they come, and count them; their numbers. Raises Stopped once the run is
    over."""
    for number, prepared in made:
        runs.room(tenant, job.tenant_id, store.allowed, len(prepared.data))
        materials.check(tenant, job, actor=runs.RUNNING)  # while it was drawn, one may have been taken back
        bring(creator_id=job.creator_id, prepared=prepared, still=partial(materials.checked, job=job))
        if not runs.counted(tenant, job, number + 1):
            raise Stopped
        yield number


def _may_draw(tenant: OpenScope, job: models.Job, per_day: int) -> int:
    """Begin pictures, at most so many; or give the row back until its hours open or its agency's next day begins."""
    with tenant(job.tenant_id, runs.RUNNING) as scope:
        row = runs.find(scope, job.id, lock=True)
        if row.state in runs.OVER:
            raise Stopped
        held = quotas.wait(scope, row.creator_id, per_day=per_day)
        runs.hold(row, held)
        if held is None and row.state == JobState.QUEUED:
            runs.move(scope, row, JobState.RUNNING)
        scope.add(row)
        after = held.until - scope.now if held is not None else None
        most = quotas.left(scope, row.creator_id, per_day=per_day)
    if after is not None:
        raise outbox.Later(after)
    return most


def _leave(event: RunDue, turn: int, *, turn_began: float, part_began: float) -> None:
    """Give the machine to others: for the run's own pause, or once its turn is over and one waits."""
    if event.pause:
        raise outbox.Later(timedelta(seconds=max(event.pause - (monotonic() - part_began), 0.0)), fresh=turn > 0)
    if (turn >= TURN_PICTURES or monotonic() - turn_began >= TURN_SECONDS) and others_wait():
        raise outbox.Later(timedelta(), fresh=turn > 0)


def stop(scope: Scope, job_id: UUID) -> None:
    """End a run within a step of the picture being made, which is thrown away; an engine that tells no steps ends with
    it. What it made so far stays. Raises NotFound, and Conflict for a run that is over.
    """
    row = runs.find(scope, job_id, lock=True)
    runs.move(scope, row, JobState.STOPPED)
    spending.release_all(scope, job_id)
    queueing.cancel(scope, job_id)


def reconsider(scope: Scope) -> int:
    """Hours or quotas changed: runs that wait for these look again now; how many."""
    rows = scope.session.exec(
        select(models.Job).where(
            models.Job.tenant_id == scope.tenant_id,
            col(models.Job.waits_until).is_not(None),
            col(models.Job.state).not_in(list(runs.OVER)),
        )
    ).all()
    return sum(bool(queueing.hasten(scope, row.id)) for row in rows)


def gave_up(event: RunDue, *, tenant: OpenScope) -> None:
    """The row of a run failed too often: the job fails too, so that nobody waits for it."""
    with tenant(event.tenant_id, runs.RUNNING) as scope:
        runs.fail(scope, event.subject_id, Message("job.gave_up"))


def _most(event: RunDue, engine: Engine) -> int:
    """How many pictures are asked for at once: one, of an engine that gains nothing by more, or between two pauses."""
    return TURN_PICTURES if not event.pause and isinstance(engine(), Batching) else 1


def _prepared(
    made: Iterator[tuple[Picture, Price | None]],
    group: Sequence[Shot],
    part: Sequence[Shot],
    job: models.Job,
    credential: Callable[[], Credential],
) -> Iterator[tuple[int, ingesting.Prepared]]:
    """The missing pictures of a group with their numbers, each as soon as it is there; of those made together the first
    bears the time of all."""
    wanted, began = {one.number for one in part}, monotonic()
    for shot in group:
        if not wanted:
            return
        picture, price = next(made)
        if shot.number not in wanted:
            continue
        wanted.remove(shot.number)
        seconds = monotonic() - began
        yield (
            shot.number,
            ingesting.from_engine(
                picture,
                key=runs.source(job, shot.number),
                alt=shot.scene,
                credential=credential(),
                job_id=job.id,
                declared=Rating(job.rating),
                seconds=seconds,
                cost=price,
                parent=job.from_asset,
                after=materials.after(job),
            ),
        )
        began = monotonic()


def why(scope: Scope, job_id: UUID) -> Message | None:
    """Why a run failed; None of one that did not. Raises NotFound."""
    reason = runs.find(scope, job_id).reason
    return Message.from_json(reason) if reason else None


def progress(scope: Scope, job_id: UUID) -> tuple[JobState, int, int]:
    """State, pictures done, pictures in all. Raises NotFound."""
    row = runs.find(scope, job_id)
    return JobState(row.state), row.done, row.total


def assets(scope: Scope, job_id: UUID) -> list[UUID]:
    """What a run made so far, in order."""
    rows = scope.session.exec(
        select(models.Creation)
        .where(models.Creation.tenant_id == scope.tenant_id, models.Creation.job_id == job_id)
        .order_by(models.Creation.created_at, models.Creation.id)  # type: ignore[arg-type]  # columns
    )
    return [row.asset_id for row in rows]
