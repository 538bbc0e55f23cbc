"""Prompt rating: checks the texts of a run before generation, and derives a minimum rating for its
images from them."""

from collections.abc import Iterable, Mapping, Sequence

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.units import Rating, highest_rating
from gate.policy import agency_lexicon
from gate.text import text_rating
from gate.text.lexicon import Lexicon
from studio.recipes.parameters import ParameterValue
from studio.recipes.specs import PlannedPicture, RecipeSpec


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
    return rate_words(
        [*asked, *answers, spec.name, spec.model, *spec.loras],
        without=[spec.negative],
        lexicon=agency_lexicon.current_lexicon(scope),
    )


def rate_text(scope: Scope, words: Sequence[str]) -> Rating:
    """Return the rating of texts that are drawn on images or spoken. Raises Refused like
    `rate_prompts`."""
    return rate_words(words, lexicon=agency_lexicon.current_lexicon(scope))


def rate_words(
    asked: Iterable[str], *, without: Iterable[str] = (), lexicon: Lexicon | None = None
) -> Rating:
    """Return the rating of prompts.

    Negative prompts (`without`) do not raise the rating, but are refused for the same reasons.
    Raises Refused.
    """
    wanted = list(asked)
    if text_rating.rate_texts(wanted, lexicon=lexicon).banned:
        raise Refused("never.named")
    found = [_check_prompt_text(one, lexicon) for one in wanted]
    for one in without:
        _check_prompt_text(one, lexicon)
    return highest_rating([one.rating for one in found])


def _check_prompt_text(words: str, lexicon: Lexicon | None) -> text_rating.TextRating:
    said = text_rating.rate_texts([words], lexicon=lexicon)
    if said.prohibited:
        raise Refused("recipe.prohibited")
    if said.obfuscated:
        raise Refused("recipe.hidden_words")
    if said.contextual and said.rating.rank >= Rating.S.rank:
        raise Refused("recipe.rephrase")
    return said
