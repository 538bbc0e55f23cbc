"""Estimates of runs before they start: images, duration and cost."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.money import Money, Price, parse_amounts, parse_prices
from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from generators import registry
from generators.contract import hosted_services
from studio.costs import spending_caps
from studio.recipes import prompt_rating, run_inputs, specs
from studio.recipes.parameters import ParameterValue
from studio.recipes.specs import PlannedPicture, RecipeSpec

NO_INPUTS: AbstractSet[str] = frozenset()
DEFAULT_PACE = 2.0
"""Seconds per image if there are no earlier runs, as measured with the drawing engine on a small
machine."""


@dataclass(frozen=True)
class RunEstimate:
    """The estimate of a run.

    `seconds` is estimated from earlier runs; `rating` is the minimum of its images; `cost` is None
    if the run is free, or if no price is configured, in which case it will not run. `refusal` is
    the reason why caps or inputs would prevent it now.
    """

    seed: int
    shots: Sequence[PlannedPicture]
    rating: Rating
    seconds: int
    cost: Money | None
    refusal: Message | None


def estimate_run(
    scope: Scope,
    known: GeneratorsSettings,
    creator_id: UUID,
    spec: RecipeSpec,
    *,
    seed: int,
    count: int,
    given: Mapping[str, ParameterValue],
) -> RunEstimate:
    """Estimate a run of `count` images for a creator, without side effects.

    Raises BadInput, and Refused for prohibited prompts (`studio/recipes/prompt_rating.py`).
    """
    shots = specs.plan_pictures(spec, seed=seed, count=count, given=given)
    price = price_per_picture(known, spec)
    try:
        check_affordable(scope, known, spec, count)
        run_inputs.recipe_picture_digests(scope, creator_id, spec)
        refusal = None
    except (BadInput, NotFound, Refused) as why:  # a cap, or an input image
        refusal = why.message
    return RunEstimate(
        seed=seed if spec.seed is None else spec.seed,
        shots=shots,
        rating=prompt_rating.rate_prompts(scope, spec, shots, given),
        seconds=max(1, round(seconds_per_picture(scope, creator_id, spec) * count)),
        cost=price.total(count) if price is not None else None,
        refusal=refusal,
    )


_LAST = """
SELECT r.spec, (SELECT sum(c.seconds) / count(*) FROM creations c
  WHERE c.tenant_id = :tenant AND c.seconds IS NOT NULL AND c.job_id = j.id) AS seconds
FROM jobs j JOIN recipes r ON r.tenant_id = j.tenant_id AND r.id = j.recipe_id
WHERE j.tenant_id = :tenant AND j.state = 'done'
ORDER BY (j.creator_id = :creator AND r.name = :recipe) DESC, j.created_at DESC LIMIT 1
"""


def seconds_per_picture(scope: Scope, creator_id: UUID, spec: RecipeSpec) -> float:
    """Return the estimated seconds per image, from the last run of the recipe or of the tenant.

    For the same model the time is scaled by pixels and steps. Waiting times are not included.
    """
    found = scope.run(
        _LAST, tenant=scope.tenant_id, creator=creator_id, recipe=spec.name
    ).one_or_none()
    if found is None or not found.seconds:
        return DEFAULT_PACE
    last = RecipeSpec.model_validate(found.spec)
    same = (last.engine, last.model) == (spec.engine, spec.model)
    return float(found.seconds) * (_relative_work(spec) / _relative_work(last) if same else 1)


def _relative_work(spec: RecipeSpec) -> float:
    """Return the relative work of an image, because each denoising step processes every pixel."""
    return spec.steps * sum(wide * high for wide, high in spec.edges) / len(spec.edges)


def price_per_picture(
    known: GeneratorsSettings, spec: RecipeSpec, asks: AbstractSet[str] = NO_INPUTS
) -> Price | None:
    """Return the price of an image of a recipe, or None if it is free or has no configured price.

    `asks` are the inputs of the run (`ImageJob.needed_inputs`), by default those of the recipe.
    """
    engine = spec.engine or registry.default_image_engine(known)
    if not (own := known.hosted_model(engine)):
        return None
    asked = (asks or spec.needed_inputs) | ({"references"} if spec.look else NO_INPUTS)
    try:
        return parse_prices(known.prices).get(
            hosted_services.priced_service(engine, spec.model or own, asked)
        )
    except ValueError:
        return None


def check_affordable(
    scope: Scope,
    known: GeneratorsSettings,
    spec: RecipeSpec,
    count: int,
    asks: AbstractSet[str] = NO_INPUTS,
) -> None:
    """Raise CapReached if a run exceeds its recipe's budget or the month's cap. `asks` is as in
    `price_per_picture`."""
    price = price_per_picture(known, spec, asks)
    if price is not None:
        spending_caps.check_spending(
            scope, price, count, parse_amounts(known.spending_caps), budget_of_run=spec.max_spending
        )
