"""Recognize inflected and informal forms of the words in a vocabulary.

Word lists contain the common forms. Repeated letters, laughter, diminutives, attached pronouns and
compounds are analyzed here by rules of the six languages, and their parts are looked up. All
functions are pure.
"""

import re
import unicodedata
from collections.abc import Iterable

from gate.text.vocabulary import Vocabulary

_LAUGHTER = re.compile(
    r"[bm]?[uw]?(?=[aeiouäöü]*[hj])(?=[hj]*[aeiouäöü])[hjaeiouäöü]{4,}"
    r"|k{2,}|(?:rs){2,}s*|x+d+|h*m{2,}h?|(?:lo+)+l+z?|(?:xo)+x?|[zx]{2,}|[fp]f+t?"
    r"|b+r{2,}|p?s+h+t?|g+r{2,}|tss+k?"
)
_STRETCHED = re.compile(r"(.)\1{2,}|([aeiouyhmrsz])\2$")
_STEM = 4
"""Minimum letters of a word without its ending."""

_SMALL_OR_GREAT = (
    "císimo", "ísimo", "ísima", "ísimos", "ísimas", "isimo", "isima", "isimos", "isimas", "íssimo",
    "íssima", "íssimos", "íssimas", "issimo", "issima", "issimi", "issime", "issimos", "issimas",
    "ito", "ita", "itos", "itas", "cito", "cita", "citos", "citas", "inho", "inha", "inhos",
    "inhas", "zinho", "zinha", "zinhos", "zinhas", "ino", "ina", "ini", "ine", "etto", "etta",
    "etti", "ette", "uccio", "uccia", "chen", "lein",
)  # fmt: skip
_PRONOUNS = (
    "mi", "ti", "ci", "vi", "si", "lo", "la", "li", "le", "ne", "gli", "me", "te", "se", "los",
    "las", "les", "nos", "os", "melo", "mela", "meli", "mele", "telo", "tela", "teli", "tele",
    "celo", "cela", "glielo", "gliela", "selo", "sela", "selos", "selas", "mene", "tene", "cene",
)  # fmt: skip
"""Pronouns that Italian, Spanish and Portuguese attach to an infinitive or a gerund."""
_SPOKEN = {"ste": "st", "ts": "t"}
"""Colloquial German endings that merge a pronoun with a verb: "machste", "gibts"."""
_LINKS = ("", "s", "n", "en", "es", "er", "e")
"""Letters that German inserts between the parts of a compound."""
MAX_WORD_LENGTH = 48
"""Maximum letters of a word. Longer ones count as unknown, because their analysis would take long.
"""
_COMPOUND = 8
_PART = 3
"""Minimum letters of each part of a compound; `_COMPOUND` is that of the whole."""


def is_known_word(word: str, vocabulary: Vocabulary) -> bool:
    """Return True if a casefolded word, in any of its forms, belongs to a supported language."""
    if len(word) > MAX_WORD_LENGTH:
        return False
    return vocabulary.contains(word) or any(
        vocabulary.contains(shape)
        or _is_derived(shape, vocabulary)
        or _is_compound(shape, vocabulary, parts=3)
        for shape in _unstretched_forms(word)
    )


def is_slang_word(word: str, vocabulary: Vocabulary) -> bool:
    """Return True if a casefolded word is laughter or chat slang and not a word of a language."""
    if len(word) > MAX_WORD_LENGTH or vocabulary.contains(word):
        return False
    return _LAUGHTER.fullmatch(word) is not None or any(
        shape in vocabulary.slang for shape in _unstretched_forms(word)
    )


def _unstretched_forms(word: str) -> Iterable[str]:
    """Return the word and its forms without repeated letters."""
    return dict.fromkeys((word, _STRETCHED.sub(r"\1\1\2", word), _STRETCHED.sub(r"\1\2", word)))


def strip_accents(word: str) -> str:
    """Return a casefolded word without its accents."""
    return "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))


def _is_derived(word: str, vocabulary: Vocabulary) -> bool:
    return any(vocabulary.contains(form) for form in _base_forms(word))


def _base_forms(word: str) -> Iterable[str]:
    """Yield the words from which the word may be derived."""
    for stem in _strip_endings(word, _SMALL_OR_GREAT):
        yield from (stem + after for after in ("", "o", "a", "e"))
    for stem in _strip_endings(word, _PRONOUNS):
        if stem.endswith(("r", "ndo")):
            yield from (stem, stem + "e")
    for ending, instead in _SPOKEN.items():
        if len(word) - len(ending) >= _STEM - 1 and word.endswith(ending):
            yield word.removesuffix(ending) + instead


def _strip_endings(word: str, endings: Iterable[str]) -> Iterable[str]:
    for ending in endings:
        if len(word) - len(ending) >= _STEM and word.endswith(ending):
            yield from {word.removesuffix(ending), strip_accents(word.removesuffix(ending))}


def _is_compound(word: str, vocabulary: Vocabulary, *, parts: int) -> bool:
    """Return True if two or three German words form the compound."""
    if len(word) < _COMPOUND or parts < 2:
        return False
    for at in range(len(word) - _PART, _PART - 1, -1):
        left = word[:at]
        right = word[at:]
        heads = vocabulary.is_compound_part(right) or _is_compound(
            right, vocabulary, parts=parts - 1
        )
        if heads and any(_is_leading_part(left, link, vocabulary) for link in _LINKS):
            return True
    return False


def _is_leading_part(left: str, link: str, vocabulary: Vocabulary) -> bool:
    first = left.removesuffix(link)
    return left.endswith(link) and len(first) >= _PART and vocabulary.is_compound_part(first)
