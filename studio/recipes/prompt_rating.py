"""Prompt rating: checks the texts of a run before generation, and derives a minimum rating for its
images from them."""

from collections.abc import Mapping, Sequence
from typing import Literal

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Text, highest_rating
from gate.surfaces.contents import Content
from gate.surfaces.decisions import judge_contents
from studio.recipes.parameters import ParameterValue
from studio.recipes.specs import PlannedPicture, RecipeSpec

ModelSurface = Literal["model.image_prompt", "model.overlay", "model.speech", "model.video"]

_REFUSALS = {
    Reason.PROHIBITED_MINOR: "recipe.prohibited",
    Reason.PROHIBITED_CATEGORY: "recipe.prohibited",
    Reason.LIKENESS_REAL_PERSON: "never.named",
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

    Raises Refused for the name of a person who must not be depicted, prohibited content, an age
    under 18, obfuscated words, and words that must be rephrased (docs/gate.md, text rules).
    """
    answers = [one for one in given.values() if isinstance(one, str)]
    asked = [*dict.fromkeys(shot.job.prompt for shot in shots)]
    # Names of recipes, models and files contain numbers that are no ages, and negative prompts keep
    # minors out of the picture.
    names = [Text("label", one) for one in (spec.name, spec.model, *spec.loras)]
    return _rate_requests(
        scope,
        "model.image_prompt",
        [*_prompt_texts([*asked, *answers]), *names],
        without=[Text("label", spec.negative)],
    )


def rate_text(scope: Scope, words: Sequence[str], surface: ModelSurface) -> Rating:
    """Return the rating of texts that are drawn on images, spoken or animated. Raises Refused like
    `rate_prompts`."""
    return _rate_requests(scope, surface, _prompt_texts(words))


def _prompt_texts(prompts: Sequence[str]) -> list[Text]:
    return [Text("prompt", prompt) for prompt in prompts]


def _rate_requests(
    scope: Scope, surface: ModelSurface, asked: Sequence[Text], *, without: Sequence[Text] = ()
) -> Rating:
    """Return the highest rating of what a model is asked for, each text on its own.

    Negative prompts (`without`) do not raise the rating, but are refused for the same reasons. A
    banned name is also found if it is spread over several texts. Raises Refused.
    """
    asked = [text for text in asked if text.body]
    apart = [(text,) for text in (*asked, *without) if text.body]
    *decisions, together = judge_contents(
        scope, [Content(surface, texts=texts) for texts in (*apart, tuple(asked))]
    )
    for decision in decisions:
        refusal = decision.refusal_code(_REFUSALS)
        if refusal:
            raise Refused(refusal)
    if Reason.LIKENESS_REAL_PERSON in together.reasons:
        raise Refused(_REFUSALS[Reason.LIKENESS_REAL_PERSON])
    return highest_rating([decision.rating for decision in decisions[: len(asked)]])
