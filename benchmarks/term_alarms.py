"""False alarms of lexicon terms in ordinary texts, by length of the term and by disguise.

Stand-ins are invented words that resemble real ones: their pairs of letters follow one another as
in the texts. `python -m benchmarks.term_alarms` prints the false alarms in a thousand texts for a
hundred terms of each length; the thresholds of `gate/text/short_terms.py` and
`gate/text/term_index.py` come from this table.
"""

import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from benchmarks.text_corpus import ordinary_texts
from gate.text.lexicon import Lexicon, shipped_lexicon
from gate.text.normalization import (
    NormalizedViews,
    fold_lookalikes,
    joined_letters,
    normalized_views,
)
from gate.text.short_terms import Disguise, ShortTerm, ShortTermIndex

LENGTHS = range(3, 13)
PER_TERMS = 100
STAND_INS = 2000
"""Number of stand-ins of each length."""
JOINED = "joined"
"""Matches anywhere in the letters of a text, regardless of the characters between them."""


def stand_ins(texts: Sequence[str], length: int, wanted: int = STAND_INS) -> list[str]:
    """Return invented words with the letters of these texts, the same for the same texts."""
    followers: dict[str, list[str]] = defaultdict(list)
    for text in texts:
        for word in re.findall("[a-z]+", fold_lookalikes(text)):
            for one, after in zip(f" {word}", f"{word} ", strict=True):
                followers[one].append(after)
    chance = random.Random(length)  # noqa: S311  the same stand-ins each time
    is_ordinary = shipped_lexicon().is_ordinary_word
    found: dict[str, None] = {}
    while len(found) < wanted:
        word = " "
        while len(word) <= length and (after := chance.choice(followers[word[-1]])) != " ":
            word += after
        if len(word) == length + 1 and not is_ordinary(word[1:]):
            found[word[1:]] = None
    return list(found)


def alarm_rates(
    texts: Sequence[str], *, lengths: Iterable[int] = LENGTHS, wanted: int = STAND_INS
) -> Mapping[int, Mapping[str, float]]:
    """Return the false alarms in a thousand texts by length and disguise."""
    known = shipped_lexicon()
    views = [normalized_views(text) for text in texts]
    return {
        length: _rates(views, known, length, stand_ins(texts, length, wanted)) for length in lengths
    }


def _rates(
    views: Sequence[NormalizedViews], known: Lexicon, length: int, words: Sequence[str]
) -> Mapping[str, float]:
    index = ShortTermIndex(
        [ShortTerm(number, word) for number, word in enumerate(words)],
        known.is_ordinary_word,
        shortest=LENGTHS[0],
    )
    found: Counter[str] = Counter()
    for seen in views:
        found.update(str(disguise) for _, disguise in set(index.find(seen)))
        found[JOINED] += sum(
            any(joined_letters(word) in text for text in seen.joined) for word in words[:200]
        ) * (len(words) // min(len(words), 200))
    share = 1000 * PER_TERMS / len(words) / len(views)
    return {name: found[name] * share for name in (*Disguise, JOINED)}


def print_rates() -> int:
    """Print the table of false alarms."""
    rates = alarm_rates(ordinary_texts())
    names = (*Disguise, JOINED)
    sys.stdout.write(" ".join(["letters", *(f"{name:>9}" for name in names)]) + "\n")
    for length, found in rates.items():
        cells = [f"{found[name]:9.2f}" for name in names]
        sys.stdout.write(" ".join([f"{length:7}", *cells]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(print_rates())
