"""Generation of the images of a run by local or hosted engines, with progress and label checks."""

from collections.abc import Collection, Iterator, Sequence

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput
from foundation.money import Price
from foundation.ops.clock import monotonic
from foundation.outbox.heartbeat import Heartbeat
from generators.contract.engines import (
    EngineMissing,
    GeneratedPicture,
    HostedImageEngine,
    ImageEngine,
    PictureUndelivered,
    Progress,
)
from generators.engines.images import input_fitting
from generators.engines.images.input_fitting import FittedJob
from studio.recipes.specs import PlannedPicture
from studio.runs import records
from studio.runs.models import JobRow
from studio.runs.purchases import PictureBuyer, RunStopped


def _generate_pictures(
    maker: ImageEngine, shots: Sequence[PlannedPicture], watch: Progress, buyer: PictureBuyer
) -> Iterator[tuple[GeneratedPicture, Price | None]]:
    """Yield the images of an engine, with the price of purchased ones."""
    if isinstance(maker, HostedImageEngine):
        for shot in shots:
            # With a mask, only the part around it is sent to the external engine.
            shaped = input_fitting.fit_job(shot.job)
            bought, price = buyer.buy_picture(shot.number, shaped.job, maker, watch)
            yield _restore_whole_picture(shaped, bought), price
        return
    for picture in input_fitting.draw_jobs(maker, [shot.job for shot in shots], watch):
        yield picture, None


def _restore_whole_picture(shaped: FittedJob, bought: GeneratedPicture) -> GeneratedPicture:
    try:
        return shaped.restore_picture(bought)
    except BadInput as error:  # already paid, and a retry would return the same
        raise PictureUndelivered("engine.answer_invalid", engine=bought.engine) from error


def generate_shots(
    maker: ImageEngine,
    shots: Sequence[PlannedPicture],
    watch: Progress,
    buyer: PictureBuyer,
    labels: Collection[bool],
) -> Iterator[tuple[GeneratedPicture, Price | None]]:
    """Yield the images of an engine with their prices; `labels` as returned by `labels_of_run`.

    Raises EngineMissing if the engine changed during the run, because real and placeholder images
    must not be mixed. For hosted engines this is checked before anything is paid.
    """
    wrong = EngineMissing("job.engine_changed", engine=maker.name)
    if isinstance(maker, HostedImageEngine) and True in labels:
        raise wrong
    for picture, price in _generate_pictures(maker, shots, watch, buyer):
        if (not picture.label) in labels:
            raise wrong
        yield picture, price


def labels_of_run(scope: Scope, job: JobRow) -> set[bool]:
    """Return a set that contains True if the run has labelled images (DEMO MODEL, PLACEHOLDER), and
    False if it has unlabelled ones; empty without images."""
    made = scope.run(
        "SELECT DISTINCT label <> '' FROM creations WHERE tenant_id = :tenant AND job_id = :job",
        tenant=scope.tenant_id,
        job=job.id,
    )
    return set(made.scalars())


class RunProgressWatch:
    """A progress callback of engines that stores the progress and stops with the run or its
    lease."""

    def __init__(self, tenant: OpenScope, job: JobRow, pulse: Heartbeat, *, every: float) -> None:
        self._tenant = tenant
        self._job = job
        self._pulse = pulse
        self._every = every
        self._next = 0.0

    def __call__(self, done: int, total: int) -> None:
        """Raise LeaseLost if another worker has the run, RunStopped if it was stopped."""
        self._pulse.check_lease()
        if monotonic() < self._next:
            return
        self._next = monotonic() + self._every
        with self._tenant(self._job.tenant_id, records.STUDIO_ACTOR) as scope:
            told = scope.run(
                "UPDATE jobs SET step = :step, steps = :steps WHERE tenant_id = :tenant AND id = "
                ":id"
                " AND state = 'running'",
                step=done,
                steps=total,
                tenant=self._job.tenant_id,
                id=self._job.id,
            )
        if not told.rowcount:
            raise RunStopped
