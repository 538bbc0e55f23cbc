"""Prompt rating: checks the texts of a run before generation, and derives a minimum rating for its
images from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.units import Rating, highest_rating
from gate.policy import agency_lexicon
from gate.text import text_rating
from gate.text.ages import describes_minor
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

    Raises Refused for the name of a person who must not be depicted, prohibited content, an age
    under 18, obfuscated words, and words that must be rephrased (docs/gate.md, text rules).
    """
    answers = [one for one in given.values() if isinstance(one, str)]
    asked = [*dict.fromkeys(shot.job.prompt for shot in shots)]
    lexicon = agency_lexicon.current_lexicon(scope)
    today = scope.now.date()
    _check_described_ages([*asked, *answers], today, lexicon)
    return rate_words(
        [*asked, *answers, spec.name, spec.model, *spec.loras],
        without=[spec.negative],
        today=today,
        lexicon=lexicon,
    )


def rate_text(scope: Scope, words: Sequence[str]) -> Rating:
    """Return the rating of texts that are drawn on images or spoken. Raises Refused like
    `rate_prompts`."""
    lexicon = agency_lexicon.current_lexicon(scope)
    today = scope.now.date()
    _check_described_ages(words, today, lexicon)
    return rate_words(words, today=today, lexicon=lexicon)


def _check_described_ages(words: Iterable[str], today: date, lexicon: Lexicon) -> None:
    """Raise Refused for an age under 18, whatever the rating. Names of models and files contain
    numbers that are no ages, and negative prompts keep minors out of the picture."""
    if any(describes_minor(text, today, lexicon=lexicon) for text in words):
        raise Refused("recipe.prohibited")


def rate_words(
    asked: Iterable[str],
    *,
    without: Iterable[str] = (),
    today: date | None = None,
    lexicon: Lexicon | None = None,
) -> Rating:
    """Return the rating of prompts.

    Negative prompts (`without`) do not raise the rating, but are refused for the same reasons.
    Raises Refused.
    """
    wanted = list(asked)
    if text_rating.rate_texts(wanted, today=today, lexicon=lexicon).banned:
        raise Refused("never.named")
    found = [_check_prompt_text(one, today, lexicon) for one in wanted]
    for one in without:
        _check_prompt_text(one, today, lexicon)
    return highest_rating([one.rating for one in found])


def _check_prompt_text(
    words: str, today: date | None, lexicon: Lexicon | None
) -> text_rating.TextRating:
    said = text_rating.rate_texts([words], today=today, lexicon=lexicon)
    if said.prohibited:
        raise Refused("recipe.prohibited")
    if said.obfuscated:
        raise Refused("recipe.hidden_words")
    if said.contextual and said.rating.rank >= Rating.S.rank:
        raise Refused("recipe.rephrase")
    return said
