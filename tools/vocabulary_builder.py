"""Build `gate/policy/vocabulary.bin` from word frequencies. The same source produces the same
bytes.

Run it manually in a separate environment, because the source is large and not part of the product:
`python -m venv V && V/bin/pip install wordfreq==3.1.1 && V/bin/python -m tools.vocabulary_builder`.
It prints the digest for `gate/policy/lexicon.yaml`. The frequencies are by Robyn Speer (CC BY-SA
4.0, see docs/licences.md).

A word is included if it is common enough and not far more common in a language that the lexicons do
not cover: "nie" also appears in English lists, as a quoted word.
"""

import hashlib
import importlib
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from gate.text.vocabulary import COMPOUND_MARK, pack_vocabulary

READ_LANGUAGES = ("en", "fr", "es", "de", "it", "pt")
OTHER_LANGUAGES = (
    "pl", "ru", "tr", "cs", "nl", "sv", "ro", "id", "nb", "da", "fi", "hu", "sk", "sl", "sh", "lt",
    "lv", "ca", "fil", "ms", "vi", "uk", "bg", "mk", "el",
)  # fmt: skip
RARE = 2.0
"""Minimum Zipf frequency (log10 per thousand million words) of the vocabulary: one in ten million.
"""
COMMON = 4.5
"""Zipf frequency (one in thirty thousand) from which a word is included, whatever its frequency in
other languages."""
MAX_LOANWORD_EXCESS = 1.0
"""Difference in Zipf frequency from which a rarer word belongs to another language: ten times as
common there."""
PART_RARE, PART_SHORTEST, SHORT_PART_RARE = 2.5, 3, 4.0
"""Minimum Zipf frequency and length of parts of compounds; words of three letters must be more
common."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "ı": "i", "æ": "ae", "œ": "oe", "đ": "d"})
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_CYRILLIC = dict(
    zip("абвгдезийклмнопрстуфхцыэжчшщьъюяёіїєґ",
        [*"abvgdeziyklmnoprstufhcye", "zh", "ch", "sh", "sch", "", "", "yu", "ya", "e", "i", "yi",
         "ye", "g"],
        strict=True)
)  # fmt: skip
_SPELLINGS = tuple(
    str.maketrans(_CYRILLIC | other)
    for other in (
        {},
        {"ц": "ts", "х": "kh", "щ": "shch", "ю": "iu", "я": "ia", "й": "i", "ё": "yo"},
        {"я": "ja", "ю": "ju", "й": "j", "ы": "i"},
    )
)
"""Three transliterations of Russian and related languages into Latin letters."""

Frequencies = Mapping[str, float]
"""Zipf frequency by word."""


def vocabulary_words(
    ours: Iterable[Frequencies], others: Iterable[Frequencies], *, german: Frequencies
) -> set[str]:
    """Return the entries of the file: words as written, words without accents, and parts of German
    compounds."""
    lists = list(ours)
    theirs = _highest(others, _typed)
    kept = {
        word
        for spelling in (_written, _unaccented)
        for word, zipf in _highest(lists, spelling).items()
        if zipf >= RARE and (zipf >= COMMON or zipf >= theirs.get(word, 0) - MAX_LOANWORD_EXCESS)
    }
    parts = {
        COMPOUND_MARK + spelling
        for word, zipf in german.items()
        if zipf >= (PART_RARE if len(word) > PART_SHORTEST else SHORT_PART_RARE)
        and len(word) >= PART_SHORTEST
        and word in kept
        for spelling in {*_written(word), *_unaccented(word)}
    }
    return kept | parts


def unaccented(word: str) -> str:
    """Return a casefolded word without accents."""
    bare = "".join(c for c in unicodedata.normalize("NFD", word) if not unicodedata.combining(c))
    return bare.translate(_PLAIN)


def _written(word: str) -> set[str]:
    return {word}


def _unaccented(word: str) -> set[str]:
    return {unaccented(word), unaccented(word.translate(_UMLAUTS))}


def _typed(word: str) -> set[str]:
    if re.search("[а-яіїєґё]", word):
        return {word.translate(spelling) for spelling in _SPELLINGS}
    return {word, unaccented(word)}


def _highest(lists: Iterable[Frequencies], spelling: Callable[[str], set[str]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for frequencies in lists:
        for word, zipf in frequencies.items():
            for form in spelling(word):
                found[form] = max(zipf, found.get(form, 0))
    return found


def _read(language: str) -> Frequencies:
    """Return the frequency list of a language. Its buckets are hundredths of a decade below a
    frequency of 1."""
    found: dict[str, float] = {}
    listed = importlib.import_module("wordfreq").get_frequency_list(language, "best")
    for bucket, members in enumerate(listed):
        for each in members:
            word = unicodedata.normalize("NFC", each.casefold())
            if _WORD.fullmatch(word):
                found[word] = max(9 - bucket / 100, found.get(word, 0))
    return found


def main() -> int:
    """Write the file and print its digest."""
    ours = {language: _read(language) for language in READ_LANGUAGES}
    data = pack_vocabulary(
        vocabulary_words(ours.values(), map(_read, OTHER_LANGUAGES), german=ours["de"])
    )
    target = Path(__file__).parents[1] / "gate" / "policy" / "vocabulary.bin"
    target.write_bytes(data)
    sys.stdout.write(f"{len(data) // 4} entries, sha256: {hashlib.sha256(data).hexdigest()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
