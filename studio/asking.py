"""What an engine makes of the shots of a run: bought, or drawn, and all of one kind."""

from collections.abc import Collection, Iterator, Sequence

from foundation.database import Scope
from foundation.errors import BadInput
from foundation.money import Price
from generators import shaping
from generators.contract import EngineMissing, Hosted, ImageEngine, Picture, Progress, Undelivered
from generators.shaping import Shaped
from studio import models
from studio.buying import Buyer
from studio.recipes import Shot


def _asked(
    maker: ImageEngine, shots: Sequence[Shot], watch: Progress, buyer: Buyer
) -> Iterator[tuple[Picture, Price | None]]:
    """What an engine makes of the shots, with its price where it asks one."""
    if isinstance(maker, Hosted):
        for shot in shots:
            shaped = shaping.shape(shot.job)  # of one with a mask the part around it leaves the house, and no more
            bought, price = buyer.buy(shot.number, shaped.job, maker, watch)
            yield _whole(shaped, bought), price
        return
    for picture in shaping.drawn(maker, [shot.job for shot in shots], watch):
        yield picture, None


def _whole(shaped: Shaped, bought: Picture) -> Picture:
    try:
        return shaped.whole(bought)
    except BadInput as error:  # it is paid, and would come the same again
        raise Undelivered("engine.answer_invalid", engine=bought.engine) from error


def asked(
    maker: ImageEngine, shots: Sequence[Shot], watch: Progress, buyer: Buyer, labels: Collection[bool]
) -> Iterator[tuple[Picture, Price | None]]:
    """What an engine makes of the shots, with its price where it asks one; `labels` as `labelled` says.

    Raises EngineMissing where the engine was changed under the run: real pictures and marked ones never stand together.
    Of what is bought it is said before anything is paid.
    """
    wrong = EngineMissing("job.engine_changed", engine=maker.name)
    if isinstance(maker, Hosted) and True in labels:
        raise wrong
    for picture, price in _asked(maker, shots, watch, buyer):
        if (not picture.label) in labels:
            raise wrong
        yield picture, price


def labelled(scope: Scope, job: models.Job) -> set[bool]:
    """Whether what a run made so far bears a label (DEMO MODEL, PLACEHOLDER); nothing of one that made none."""
    made = scope.run(
        "SELECT DISTINCT label <> '' FROM creations WHERE tenant_id = :tenant AND job_id = :job",
        tenant=scope.tenant_id,
        job=job.id,
    )
    return set(made.scalars())
