"""Runs of recipes, generated a few images at a time; each is stored immediately, so that a run
resumes after a crash.

A failed run can be resumed: existing images are retained, paid ones are not paid again, and
rejected ones are skipped.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.money import Price
from foundation.ops.clock import monotonic
from foundation.outbox import outbox
from foundation.outbox.heartbeat import Heartbeat, heartbeat, is_other_tenant_waiting
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating, highest_rating
from generators.contract.classifier import Classifier
from generators.contract.engines import (
    EngineBusy,
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    HostedImageEngine,
    ImageEngine,
    JobTooLarge,
    PictureUndelivered,
    SupportsBatches,
)
from generators.contract.picture_checks import PictureChecks
from generators.provenance.content_credentials import LoadCredential
from studio.costs import quotas, spending_caps
from studio.costs.spending_caps import CapReached, SpendingCaps
from studio.ingest import pipeline
from studio.ingest.classification import CompareFaces
from studio.library import assets, models, storage_quota
from studio.recipes import parameters, prompt_rating, run_inputs, specs, wildcards
from studio.recipes.input_pictures import InitPicture
from studio.recipes.parameters import ParameterValue
from studio.recipes.run_inputs import PoseReference
from studio.recipes.specs import PlannedPicture, RecipeSpec
from studio.recipes.style_references import FrozenStyle
from studio.runs import device_queue, generation, records, remote_routing
from studio.runs.device_queue import RunEvent
from studio.runs.events import HostedRunDue
from studio.runs.generation import RunProgressWatch
from studio.runs.models import JobRow
from studio.runs.purchases import PictureBuyer, RunStopped
from studio.runs.records import TURN_PICTURES
from studio.runs.states import JobState
from tenants.notices import notices

TURN_SECONDS = 60.0
"""Number of seconds after which a run yields the device if another tenant waits; it also yields
after `TURN_PICTURES` images."""

NO_SPENDING_CAPS: SpendingCaps = {}

AWAY = timedelta(seconds=20)
"""Delay until the next attempt if an engine fails after at least one image."""

MAX_REFUSED = 3
"""Number of consecutive rejections after which a run fails, because each may be billed and the next
image is unlikely to succeed."""

TOLD_EVERY = 1.0
"""Minimum seconds between two progress reports, which also detect a stop."""

FATAL_ERRORS = (
    EngineMissing,
    JobTooLarge,
    PictureUndelivered,
    CapReached,
    storage_quota.StorageFull,
    run_inputs.SourcePictureUnavailable,
)
"""Errors that fail a run, because a retry cannot succeed. Each has a `message` for members."""

Engine = Callable[[], ImageEngine]
"""Returns the engine, which is created on first use because importing one may take seconds and
memory."""

EngineByName = Callable[[str], ImageEngine]
"""Returns the engine that a recipe names. Raises EngineMissing if it is not available."""


Group = list[PlannedPicture]
"""Images that are generated together."""

BeginGroup = Callable[[Group, Group], tuple[Group, Group]]
"""Prepares a group and determines its missing images; returns both."""

DrawGroup = Callable[[Group, Group, Heartbeat], Iterator[int]]
"""Generates a group and stores its missing images; yields their indexes."""

MakeRoom = Callable[[str], None]
"""Frees the GPU for the engine of this name."""


def keep_gpu(_engine: str) -> None:
    """Do nothing: the GPU is not shared."""


def no_named_engine(name: str) -> ImageEngine:
    """Raise EngineMissing: only the default engine is available."""
    raise EngineMissing("engine.not_here", engine=name)


def start_run(
    scope: Scope,
    *,
    creator_id: UUID,
    recipe_id: UUID,
    seed: int,
    key: str,
    count: int | None = None,
    by: str = "",
    pause: int = 0,
    given: Mapping[str, ParameterValue] | None = None,
    begin: InitPicture | None = None,
    pose: PoseReference | None = None,
    look: FrozenStyle | None = None,
    lists: wildcards.FrozenWildcards | None = None,
) -> UUID:
    """Queue a run of a recipe, once per `key`; return the job ID.

    `count` is the number of images, by default that of the recipe; `given` are parameter values;
    `by` is the actor; `begin`, `pose` and `look` are input images (`studio/recipes/run_inputs.py`);
    `lists` are the wildcards of an earlier run. `pause` is the minimum interval between images in
    seconds, during which other runs can use the device. The run waits for the generation hours and
    the agency's quota. If the agency has remote workers, the run is assigned to them, unless the
    recipe names an engine. Raises NotFound, BadInput, and Refused for prohibited prompts
    (`studio/recipes/prompt_rating.py`).
    """
    assets.lock_library(scope, "job", key)
    known = _find_run_by_key(scope, key)
    if known is not None:
        return known
    written = specs.get_spec(scope, recipe_id)
    lists = (
        wildcards.current_wildcards(scope, creator_id, written.prompt) if lists is None else lists
    )
    spec = specs.with_wildcards(written, lists)
    total = count or spec.picture_count
    answers = parameters.complete_values(spec.parameters, given or {})
    # an invalid value is rejected now, not by a failed job
    shots = specs.plan_pictures(spec, seed=seed, count=total, given=answers)
    rating = prompt_rating.rate_prompts(scope, spec, shots, answers)
    row = JobRow(
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
        **run_inputs.run_input_columns(scope, creator_id, spec, begin=begin, pose=pose, look=look),
    )
    _queue_run(scope, row, spec, pause=pause)
    return row.id


def _queue_run(scope: Scope, row: JobRow, spec: RecipeSpec, *, pause: int) -> None:
    held = quotas.generation_wait(scope, row.creator_id)
    records.set_wait(row, held)
    scope.add(row)
    if not (spec.engine == "" and remote_routing.route_to_remote(scope, row)):
        device_queue.enqueue_run(
            scope, row, spec, pause=pause, at=held.until if held is not None else None
        )


def _find_run_by_key(scope: Scope, key: str) -> UUID | None:
    query = select(JobRow.id).where(JobRow.tenant_id == scope.tenant_id, JobRow.key == key)
    return scope.session.exec(query).first()


@dataclass
class _Turn:
    """The number of images stored since a worker took the run, and the number of consecutive
    rejections."""

    kept: int = 0
    refused: int = 0
    began: float = field(default_factory=monotonic)


def generate_pictures(
    event: RunEvent,
    *,
    tenant: OpenScope,
    engine: Engine,
    store: ObjectStore,
    credential: LoadCredential,
    classifier: Classifier | None = None,
    checks: PictureChecks | None = None,
    compare: CompareFaces | None = None,
    per_day: int = 0,
    caps: SpendingCaps = NO_SPENDING_CAPS,
    told_every: float = TOLD_EVERY,
    named: EngineByName = no_named_engine,
    make_room: MakeRoom = keep_gpu,
) -> None:
    """Generate the missing images of a run. Fatal errors fail the job, others are retried.

    `per_day` is the installation's daily quota, 0 for unlimited; `caps` are its spending caps;
    progress is reported every `told_every` seconds; `engine` is the default engine, `named` returns
    others; `make_room` frees the GPU. Raises `outbox.RetryLater` between two images to yield the
    device or to wait.
    """
    with tenant(event.tenant_id, records.STUDIO_ACTOR) as scope:
        job = records.get_run_row(scope, event.subject_id)
        if job.state in records.ENDED_RUN_STATES:
            return
        spec, shots, left = _plan_missing_pictures(scope, job)
        labels = generation.labels_of_run(scope, job)
    engine = partial(named, spec.engine) if spec.engine else engine
    bring = partial(
        pipeline.ingest_asset, tenant, store, classifier=classifier, checks=checks, compare=compare
    )
    turn = _Turn()

    def draw(group: Group, part: Group, pulse: Heartbeat) -> Iterator[int]:
        watch = RunProgressWatch(tenant, job, pulse, every=told_every)
        buyer = PictureBuyer(tenant, store, job, caps, spec.max_spending, per_day=per_day)
        made = generation.generate_shots(engine(), group, watch, buyer, labels)
        prepared = _prepare_pictures(made, group, part, job, credential)
        return _ingest_pictures(prepared, tenant, job, store, bring)

    try:
        if not _move_to_other_queue(
            event, tenant, job, spec=spec, engine=engine(), make_room=make_room
        ):
            begin = partial(_begin_group, tenant, store, job, per_day=per_day)
            _draw_missing(
                event, tenant, job, shots, left, turn=turn, engine=engine, begin=begin, draw=draw
            )
    except RunStopped:
        return
    except EngineUnreachable as away:
        _retry_after_outage(away, turn.kept)
        raise
    except FATAL_ERRORS as error:
        with tenant(event.tenant_id, records.STUDIO_ACTOR) as scope:
            records.fail_run(scope, event.subject_id, error.message)


def _draw_missing(
    event: RunEvent,
    tenant: OpenScope,
    job: JobRow,
    shots: Sequence[PlannedPicture],
    left: list[PlannedPicture],
    *,
    turn: _Turn,
    engine: Engine,
    begin: BeginGroup,
    draw: DrawGroup,
) -> None:
    """Generate the missing images group by group and count them in `turn`.

    Raises `outbox.RetryLater` to yield the device, RunStopped once the run has ended.
    """
    size = _max_batch_pictures(event, engine)
    with heartbeat() as pulse:
        while left:
            pulse.check_lease()
            part_began = monotonic()
            group, part = begin(*_next_group(shots, left, size))
            if not _count_or_skip(draw(group, part, pulse), turn, tenant, job, part[0].number):
                return
            if left := left[len(part) :]:
                _yield_device(event, turn.kept, turn_began=turn.began, part_began=part_began)
        records.record_progress(tenant, job, job.total)


def _count_or_skip(
    kept: Iterator[int], turn: _Turn, tenant: OpenScope, job: JobRow, number: int
) -> bool:
    """Count the images of a group as they are stored, and skip image `number` if the provider
    rejected it.

    Returns False if the run has ended. Raises PictureUndelivered after `MAX_REFUSED` consecutive
    rejections.
    """
    try:
        for _ in kept:
            turn.kept += 1
            turn.refused = 0
    except PictureUndelivered as error:
        turn.refused += 1
        if not records.skip_picture(tenant, job, number, error.message):
            return False
        if turn.refused >= MAX_REFUSED:
            raise
    return True


def _move_to_other_queue(
    event: RunEvent,
    tenant: OpenScope,
    job: JobRow,
    *,
    spec: RecipeSpec,
    engine: ImageEngine,
    make_room: MakeRoom,
) -> bool:
    """Move a run to the other queue if its engine requires that; return True if it was moved.

    A hosted run must not occupy the device. For a run that is not moved, the device is freed.
    """
    hosted = isinstance(engine, HostedImageEngine)
    if hosted == isinstance(event, HostedRunDue):
        make_room(engine.name)
        return False
    with tenant(job.tenant_id, records.STUDIO_ACTOR) as scope:
        device_queue.enqueue_run(scope, job, spec, pause=event.pause, hosted=hosted)
    return True


def _retry_after_outage(away: EngineUnreachable, turn: int) -> None:
    """Raise `outbox.RetryLater` for a busy engine, or for an engine that failed after generating
    images.

    An outage after progress counts as a first failure.
    """
    if isinstance(away, EngineBusy):
        raise outbox.RetryLater(timedelta(seconds=away.after), fresh=turn > 0) from away
    if turn:
        raise outbox.RetryLater(AWAY, fresh=True) from away


def _plan_missing_pictures(
    scope: Scope, job: JobRow
) -> tuple[RecipeSpec, Sequence[PlannedPicture], list[PlannedPicture]]:
    """Return the recipe of a run, all its planned images, and the missing ones that are not
    skipped."""
    spec = specs.spec_of_run(scope, job)
    shots = specs.plan_pictures(spec, seed=job.seed, count=job.total, given=job.given)
    there = assets.assets_by_source(
        scope, job.creator_id, [records.picture_source_key(job, shot.number) for shot in shots]
    )
    gone = records.skipped_numbers(job)
    left = [
        one
        for one in shots[job.done :]
        if records.picture_source_key(job, one.number) not in there and one.number not in gone
    ]
    return spec, shots, left


def _next_group(
    shots: Sequence[PlannedPicture], left: Sequence[PlannedPicture], size: int
) -> tuple[list[PlannedPicture], list[PlannedPicture]]:
    """Return the next group of images to generate together, and its missing images.

    Groups depend only on indexes: batch composition can affect rounding in an image, and results
    must not depend on when a run was interrupted.
    """
    which = left[0].number // size
    return [one for one in shots if one.number // size == which], [
        one for one in left if one.number // size == which
    ]


def _begin_group(
    tenant: OpenScope,
    store: ObjectStore,
    job: JobRow,
    group: Group,
    part: Group,
    *,
    per_day: int,
) -> tuple[Group, Group]:
    """Return the group with input images attached, and the missing images that today's quota
    allows.

    Raises the errors of `_may_draw`, and StorageFull before generating images that could not be
    stored.
    """
    part = part[: _may_draw(tenant, job, per_day)]
    group = run_inputs.attach_inputs(tenant, store, job, group, actor=records.STUDIO_ACTOR)
    records.check_room(tenant, job.tenant_id, store.quota_bytes, 1)
    return group, part


def _ingest_pictures(
    made: Iterator[tuple[int, pipeline.PreparedAsset]],
    tenant: OpenScope,
    job: JobRow,
    store: ObjectStore,
    bring: Callable[..., UUID],
) -> Iterator[int]:
    """Ingest images as they are generated and yield their indexes. Raises RunStopped once the run
    has ended."""
    for number, prepared in made:
        records.check_room(tenant, job.tenant_id, store.quota_bytes, len(prepared.data))
        # An input may have been withdrawn during generation.
        run_inputs.check_run_inputs(tenant, job, actor=records.STUDIO_ACTOR)
        still = partial(run_inputs.check_run_inputs_in, job=job)
        bring(tenant_id=job.tenant_id, creator_id=job.creator_id, prepared=prepared, still=still)
        if not records.record_progress(tenant, job, number + 1):
            raise RunStopped
        yield number


def _may_draw(tenant: OpenScope, job: JobRow, per_day: int) -> int:
    """Return the number of images that may be generated now, and mark the run as running.

    Raises `outbox.RetryLater` outside the hours or quota, RunStopped if the run has ended.
    """
    with tenant(job.tenant_id, records.STUDIO_ACTOR) as scope:
        row = records.get_run_row(scope, job.id, lock=True)
        if row.state in records.ENDED_RUN_STATES:
            raise RunStopped
        most = quotas.pictures_left_today(scope, row.creator_id, per_day=per_day)
        held = quotas.generation_wait(scope, row.creator_id, per_day=per_day, left=most)
        records.set_wait(row, held)
        if held is None and row.state == JobState.QUEUED:
            records.move_run(scope, row, JobState.RUNNING)
        scope.add(row)
        after = held.until - scope.now if held is not None else None
    if after is not None:
        raise outbox.RetryLater(after)
    return most


def _yield_device(event: RunEvent, turn: int, *, turn_began: float, part_began: float) -> None:
    """Raise `outbox.RetryLater` for the run's pause, or after its turn if another tenant waits."""
    if event.pause:
        raise outbox.RetryLater(
            timedelta(seconds=max(event.pause - (monotonic() - part_began), 0.0)), fresh=turn > 0
        )
    if (
        turn >= TURN_PICTURES or monotonic() - turn_began >= TURN_SECONDS
    ) and is_other_tenant_waiting():
        raise outbox.RetryLater(timedelta(), fresh=turn > 0)


def stop_run(scope: Scope, job_id: UUID) -> None:
    """Stop a run within one step of the current image, which is discarded; generated images remain.

    An engine without progress reports finishes its image first. Raises NotFound, and Conflict for a
    run that has ended.
    """
    row = records.get_run_row(scope, job_id, lock=True)
    records.move_run(scope, row, JobState.STOPPED)
    spending_caps.release_run_orders(scope, job_id)
    device_queue.cancel_queued_run(scope, job_id)


def wake_waiting_runs(scope: Scope) -> int:
    """Make runs that wait for hours or quotas due now, after the limits have changed; return their
    number."""
    rows = scope.session.exec(
        select(JobRow).where(
            JobRow.tenant_id == scope.tenant_id,
            col(JobRow.waits_until).is_not(None),
            col(JobRow.state).not_in(list(records.ENDED_RUN_STATES)),
        )
    ).all()
    return sum(bool(device_queue.expedite_run(scope, row.id)) for row in rows)


def fail_run_after_retries(event: RunEvent, *, tenant: OpenScope) -> None:
    """Fail a run after its last attempt."""
    with tenant(event.tenant_id, records.STUDIO_ACTOR) as scope:
        records.fail_run(scope, event.subject_id, Message("job.gave_up"))


def _max_batch_pictures(event: RunEvent, engine: Engine) -> int:
    """Return the number of images per request: one unless the engine supports batches and there is
    no pause."""
    return TURN_PICTURES if not event.pause and isinstance(engine(), SupportsBatches) else 1


def _prepare_pictures(
    made: Iterator[tuple[GeneratedPicture, Price | None]],
    group: Sequence[PlannedPicture],
    part: Sequence[PlannedPicture],
    job: JobRow,
    credential: LoadCredential,
) -> Iterator[tuple[int, pipeline.PreparedAsset]]:
    """Yield the missing images of a group with their indexes as they are generated.

    The first image of a batch carries the time of the whole batch.
    """
    wanted = {one.number for one in part}
    began = monotonic()
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
            pipeline.prepare_generated_picture(
                picture,
                key=records.picture_source_key(job, shot.number),
                alt=shot.scene,
                credential=credential(),
                job_id=job.id,
                declared=Rating(job.rating),
                seconds=seconds,
                cost=price,
                parent=job.from_asset,
                after=run_inputs.referenced_assets(job),
            ),
        )
        began = monotonic()


def failure_reason(scope: Scope, job_id: UUID) -> Message | None:
    """Return the reason why a run failed, or None if it did not. Raises NotFound."""
    reason = records.get_run_row(scope, job_id).reason
    return Message.from_json(reason) if reason else None


def run_progress(scope: Scope, job_id: UUID) -> tuple[JobState, int, int]:
    """Return the state, the images done and the total of a run. Raises NotFound."""
    row = records.get_run_row(scope, job_id)
    return JobState(row.state), row.done, row.total


def run_assets(scope: Scope, job_id: UUID) -> list[UUID]:
    """Return the assets of a run in order."""
    rows = scope.session.exec(
        select(models.CreationRow)
        .where(models.CreationRow.tenant_id == scope.tenant_id, models.CreationRow.job_id == job_id)
        .order_by(col(models.CreationRow.created_at), col(models.CreationRow.id))
    )
    return [row.asset_id for row in rows]


def resume_run(scope: Scope, job_id: UUID) -> int:
    """Queue a failed run again; return the number of missing images.

    Its prompts are rated again by the current rules. Raises NotFound, Conflict for a run that did
    not fail, and Refused like `start_run`.
    """
    row = records.get_run_row(scope, job_id, lock=True)
    records.move_run(scope, row, JobState.QUEUED)
    spec = specs.spec_of_run(scope, row)
    shots = specs.plan_pictures(spec, seed=row.seed, count=row.total, given=row.given)
    row.rating = str(
        highest_rating(
            [Rating(row.rating), prompt_rating.rate_prompts(scope, spec, shots, row.given)]
        )
    )
    row.reason = None
    held = quotas.generation_wait(scope, row.creator_id)
    records.set_wait(row, held)
    scope.add(row)
    notices.close(scope, f"job:{row.id}")
    if not (spec.engine == "" and remote_routing.route_again_to_remote(scope, row)):
        device_queue.enqueue_run(scope, row, spec, at=held.until if held is not None else None)
    return count_missing(scope, row)


def count_missing(scope: Scope, job: JobRow) -> int:
    """Return the number of images of a run that neither exist nor are skipped."""
    there = records.existing_numbers(scope, job)
    return sum(
        number not in there and number not in records.skipped_numbers(job)
        for number in range(job.total)
    )
