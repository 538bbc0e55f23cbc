"""Prompt rating: checks the texts of a run before generation, and derives a minimum rating for its
images from them."""

from collections.abc import Mapping, Sequence
from typing import Literal

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Text, highest_rating
from gate.people import depiction_bans
from gate.surfaces.contents import Content, SurfaceDecision
from gate.surfaces.decisions import judge_contents
from studio.recipes.parameters import ParameterValue
from studio.recipes.specs import PlannedPicture, RecipeSpec

ModelSurface = Literal["model.image_prompt", "model.overlay", "model.speech", "model.video"]

_REFUSALS = {
    Reason.PROHIBITED_MINOR: "recipe.prohibited",
    Reason.PROHIBITED_CATEGORY: "recipe.prohibited",
    Reason.TEXT_OBFUSCATED: "recipe.hidden_words",
    Reason.TEXT_REPHRASE: "recipe.rephrase",
}
"""The message of each reason, the most serious first."""


def rate_prompts(
    scope: Scope,
    spec: RecipeSpec,
    shots: Sequence[PlannedPicture],
    given: Mapping[str, ParameterValue],
) -> Rating:
    """Return the highest rating of the prompts of a run.

    Raises Refused for the name of a person who must not be depicted, prohibited content, obfuscated
    words, and words that must be rephrased (docs/gate.md, text rules).
    """
    answers = [one for one in given.values() if isinstance(one, str)]
    asked = [*dict.fromkeys(shot.job.prompt for shot in shots)]
    depiction_bans.check_words_allowed(
        scope, " \n ".join([spec.name, *spec.loras, *asked, *answers])
    )
    wanted = [*asked, *answers, spec.name, spec.model, *spec.loras]
    return _rate_requests(scope, "model.image_prompt", wanted, without=[spec.negative])


def rate_text(scope: Scope, words: Sequence[str], surface: ModelSurface) -> Rating:
    """Return the rating of texts that are drawn on images, spoken or animated. Raises Refused like
    `rate_prompts`."""
    depiction_bans.check_words_allowed(scope, " \n ".join(words))
    return _rate_requests(scope, surface, words)


def _rate_requests(
    scope: Scope, surface: ModelSurface, asked: Sequence[str], *, without: Sequence[str] = ()
) -> Rating:
    """Return the highest rating of what a model is asked for, each text on its own.

    Negative prompts (`without`) do not raise the rating, but are refused for the same reasons.
    Raises Refused.
    """
    texts = [*asked, *without]
    contents = [Content(surface, texts=(Text("prompt", one),) if one else ()) for one in texts]
    decisions = judge_contents(scope, contents)
    for decision in decisions:
        if not decision.is_allowed:
            raise Refused(_refusal_code(decision))
    return highest_rating([decision.rating for decision in decisions[: len(asked)]])


def _refusal_code(decision: SurfaceDecision) -> str:
    reasons = (code for reason, code in _REFUSALS.items() if reason in decision.reasons)
    return next(reasons, decision.main_reason.code)
