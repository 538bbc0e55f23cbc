"""What a run would be before it is one: its pictures, how long they take, and what they cost."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from foundation.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.money import Money, Price, amounts, prices
from foundation.settings import GeneratorsSettings
from foundation.words import Message
from gate.units import Rating
from generators import hosting, registry
from studio import materials, recipes, spending, wording
from studio.parameters import Answer
from studio.recipes import Shot, Spec

NOTHING: AbstractSet[str] = frozenset()
GUESSED = 2.0
"""Seconds a picture takes where none was made yet: the drawing engine on a small machine."""


@dataclass(frozen=True)
class Estimate:
    """A run as it would come out. `seconds` is a guess by the pace of runs before; `rating` is the least that its
    pictures get; `cost` is None of what is free, and of what has no price and is not made; `refusal` says why the caps
    do not hold it, or why the picture that its recipe begins from may not be used now."""

    seed: int
    shots: Sequence[Shot]
    rating: Rating
    seconds: int
    cost: Money | None
    refusal: Message | None


def estimate(
    scope: Scope,
    known: GeneratorsSettings,
    creator_id: UUID,
    spec: Spec,
    *,
    seed: int,
    count: int,
    given: Mapping[str, Answer],
) -> Estimate:
    """The run of `count` pictures for a creator; nothing is kept of it. Raises BadInput, and Refused for words of which
    no picture is made (`studio/wording.py`)."""
    shots = recipes.resolve(spec, seed=seed, count=count, given=given)
    price = price_of(known, spec)
    try:
        afford(scope, known, spec, count)
        materials.usable(scope, creator_id, spec)
        refusal = None
    except (BadInput, NotFound, Refused) as why:  # a cap, or the picture
        refusal = why.message
    return Estimate(
        seed=seed if spec.seed is None else spec.seed,
        shots=shots,
        rating=wording.judge(scope, spec, shots, given),
        seconds=max(1, round(pace(scope, creator_id, spec) * count)),
        cost=price.times(count) if price is not None else None,
        refusal=refusal,
    )


_LAST = """
SELECT r.spec, (SELECT sum(c.seconds) / count(*) FROM creations c
  WHERE c.tenant_id = :tenant AND c.seconds IS NOT NULL AND c.job_id = j.id) AS seconds
FROM jobs j JOIN recipes r ON r.tenant_id = j.tenant_id AND r.id = j.recipe_id
WHERE j.tenant_id = :tenant AND j.state = 'done'
ORDER BY (j.creator_id = :creator AND r.name = :recipe) DESC, j.created_at DESC LIMIT 1
"""


def pace(scope: Scope, creator_id: UUID, spec: Spec) -> float:
    """Seconds an engine takes for a picture of this recipe, as in its last run, by its name; as in anybody's last run
    here before its first. More pixels or steps than then, of the same model, take so many times as long. What a run
    waited for others, for its hours or for a quota is not in it."""
    found = scope.run(_LAST, tenant=scope.tenant_id, creator=creator_id, recipe=spec.name).one_or_none()
    if found is None or not found.seconds:
        return GUESSED
    last = Spec.model_validate(found.spec)
    same = (last.engine, last.model) == (spec.engine, spec.model)
    return float(found.seconds) * (_work(spec) / _work(last) if same else 1)


def _work(spec: Spec) -> float:
    """What a picture asks of an engine, against others of its model: a denoising step goes over every pixel."""
    return spec.steps * sum(wide * high for wide, high in spec.edges) / len(spec.edges)


def price_of(known: GeneratorsSettings, spec: Spec, asks: AbstractSet[str] = NOTHING) -> Price | None:
    """What a picture of a recipe's model costs here (its engine's own where it names none), where its run `asks` this
    beside words and the recipe's look (`ImageJob.asks`; what the recipe says, without any); None where it is free, or
    has no price and is not made."""
    engine = spec.engine or registry.usual(known)
    if not (own := known.hosted_model(engine)):
        return None
    asked = (asks or spec.asks) | ({"references"} if spec.look else NOTHING)
    try:
        return prices(known.prices).get(hosting.sold_as(engine, spec.model or own, asked))
    except ValueError:
        return None


def afford(scope: Scope, known: GeneratorsSettings, spec: Spec, count: int, asks: AbstractSet[str] = NOTHING) -> None:
    """Raise CapReached for a run that its recipe's budget, or the month's cap, does not hold; `asks` as `price_of`."""
    price = price_of(known, spec, asks)
    if price is not None:
        spending.check(scope, price, count, amounts(known.spending_caps), budget_of_run=spec.most_spent)
