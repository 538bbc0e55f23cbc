"""What an engine makes of the shots of a run: bought, or drawn, and all of one kind."""

from collections.abc import Iterator, Sequence

from foundation.database import Scope
from foundation.money import Price
from generators import shaping
from generators.contract import EngineMissing, Hosted, ImageEngine, Picture, Progress
from studio import models
from studio.buying import Buyer
from studio.recipes import Shot


def asked(
    maker: ImageEngine, shots: Sequence[Shot], watch: Progress, buyer: Buyer
) -> Iterator[tuple[Picture, Price | None]]:
    """What an engine makes of the shots, with its price where it asks one."""
    if isinstance(maker, Hosted):
        for shot in shots:
            yield buyer.buy(shot.number, shot.job, maker, watch)
        return
    for picture in shaping.drawn(maker, [shot.job for shot in shots], watch):
        yield picture, None


def labelled(scope: Scope, job: models.Job) -> set[bool]:
    """Whether what a run made so far bears a label (DEMO MODEL, PLACEHOLDER); nothing of one that made none."""
    made = scope.run(
        "SELECT DISTINCT label <> '' FROM creations WHERE tenant_id = :tenant AND job_id = :job",
        tenant=scope.tenant_id,
        job=job.id,
    )
    return set(made.scalars())


def alike(
    made: Iterator[tuple[Picture, Price | None]], labels: set[bool], engine: ImageEngine
) -> Iterator[tuple[Picture, Price | None]]:
    """What was made, unless the engine was changed under the run: real pictures and marked ones never stand together.
    Raises EngineMissing, of what is bought before anything is paid."""
    wrong = EngineMissing("job.engine_changed", engine=engine.name)
    if isinstance(engine, Hosted) and True in labels:
        raise wrong
    for picture, price in made:
        if (not picture.label) in labels:
            raise wrong
        yield picture, price
