"""The words of a run are read before anything is made of them: some are refused, the others say a least rating."""

from collections.abc import Iterable, Mapping, Sequence

from foundation.database import Scope
from foundation.errors import Refused
from gate import inforce, never, text
from gate.lexicon import Lexicon
from gate.units import Rating, highest
from studio.parameters import Answer
from studio.recipes import Shot, Spec


def judge(scope: Scope, spec: Spec, shots: Sequence[Shot], given: Mapping[str, Answer]) -> Rating:
    """The rating of the words of a run: the highest of its pictures'.

    Raises Refused for words that name somebody who is never to be shown, for what is never allowed, for words that
    hide something, and for those that a person must write otherwise (gate.md, text rules).
    """
    answers = [one for one in given.values() if isinstance(one, str)]
    asked = [*dict.fromkeys(shot.job.prompt for shot in shots)]
    never.refuse_words(scope, " \n ".join([spec.name, *spec.loras, *asked, *answers]))
    lexicon = inforce.rules(scope).lexicon
    return read([*asked, *answers, spec.name, spec.model, *spec.loras], without=[spec.negative], lexicon=lexicon)


def declared(scope: Scope, words: Sequence[str]) -> Rating:
    """The rating of words that are written on pictures, or said. Raises Refused as `judge`."""
    never.refuse_words(scope, " \n ".join(words))
    return read(words, lexicon=inforce.rules(scope).lexicon)


def read(asked: Iterable[str], *, without: Iterable[str] = (), lexicon: Lexicon | None = None) -> Rating:
    """The rating of what is asked for. Words of what a picture is to be without raise nothing, and are refused alike.

    Raises Refused.
    """
    found = [_refused(one, lexicon) for one in asked]
    for one in without:
        _refused(one, lexicon)
    return highest([one.rating for one in found])


def _refused(words: str, lexicon: Lexicon | None) -> text.TextRating:
    said = text.rate([words], lexicon=lexicon)
    if said.prohibited:
        raise Refused("recipe.prohibited")
    if said.obfuscated:
        raise Refused("recipe.hidden_words")
    if said.contextual and said.rating.rank >= Rating.S.rank:
        raise Refused("recipe.rephrase")
    return said
