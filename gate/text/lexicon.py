"""The terms of the safety check, read from `gate/policy/lexicon.yaml` and validated on load."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from gate.text.age_patterns import AgeBlock, AgePatterns, MinorPatterns
from gate.text.disclosure_patterns import DisclosurePatterns
from gate.text.normalization import (
    fold_leetspeak,
    fold_lookalikes,
    joined_letters,
    letter_steps,
    spaced_words,
)
from gate.text.short_terms import repeated_letters
from gate.text.term_index import LONG, LexiconTerm, TermIndex
from gate.text.vocabulary import Vocabulary
from gate.text.word_forms import is_known_word, is_slang_word

SHIPPED_LEXICON_PATH = Path(__file__).parents[1] / "policy" / "lexicon.yaml"
TURNED = 10
"""Minimum letters of a term that is also matched in every shift of the alphabet.

No ordinary word is a shift of such a long term.
"""
UNSPACED = "\u2e80"
"""The first character of the Chinese, Japanese and Korean scripts."""

REMEMBERED_EXTENSIONS = 8
"""Number of agencies for which a process caches the additional terms, ready to match."""
REMEMBERED_WORDS = 4096
"""Number of words for which a lexicon caches the result of `is_ordinary_word`."""

KINDS = ("explicit", "nudity", "suggestive", "minor", "minor_context", "prohibited")
BANNED = "banned"
"""Kind of the terms that are names of people who must never be depicted. They are no part of the
lexicon file."""


@dataclass(frozen=True)
class Lexicon:
    """Terms and patterns, ready to match.

    `digest` is the SHA-256 of the source files; it covers the vocabulary through its pinned digest.
    """

    version: str
    digest: str
    terms: tuple[LexiconTerm, ...]
    crisis: tuple[str, ...]
    crisis_not: tuple[str, ...]
    ages: AgePatterns
    bot: tuple["re.Pattern[str]", ...]
    disclosures: DisclosurePatterns
    vocabulary: Vocabulary
    ordinary_splits: tuple[str, ...] = ()
    """Adjacent words that spell a term but do not mean it, folded."""

    @cached_property
    def term_words(self) -> frozenset[str]:
        """Return the single words of the terms, folded; they count as readable words."""
        return frozenset(
            piece for one in self.terms for words in one.words for piece in words.split()
        )

    def with_coded_terms(self, own: tuple[tuple[str, str], ...]) -> "Lexicon":
        """Return the lexicon with additional terms, given as kind and base64.

        Results are cached: the same terms return the same lexicon.
        """
        if not own:
            return self
        if own not in self._extended:
            while len(self._extended) >= REMEMBERED_EXTENSIONS:
                self._extended.pop(next(iter(self._extended)), None)
            terms = (
                folded
                for kind, term in own
                for folded in _fold_own_term(kind, base64.b64decode(term).decode())
            )
            self._extended[own] = replace(self, terms=(*self.terms, *terms))
        return self._extended[own]

    @cached_property
    def key(self) -> str:
        """Return a digest of the source files and of all terms. Two lexicons with the same key read
        the same, which is not true of `digest`: additional terms do not change that."""
        return hashlib.sha256(f"{self.digest} {self.terms!r}".encode()).hexdigest()

    @cached_property
    def _extended(self) -> dict[tuple[tuple[str, str], ...], "Lexicon"]:
        return {}

    @cached_property
    def index(self) -> TermIndex:
        """Return the index that finds the terms."""
        return TermIndex(self.terms, self.is_ordinary_word, self.ordinary_splits)

    @cached_property
    def is_ordinary_word(self) -> Callable[[str], bool]:
        """Return a predicate that is True for a folded word of a supported language or of chat
        slang."""

        @lru_cache(maxsize=REMEMBERED_WORDS)
        def is_ordinary(word: str) -> bool:
            return is_known_word(word, self.vocabulary) or is_slang_word(word, self.vocabulary)

        return is_ordinary


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    file: str
    sha256: str


class _CodedTerms(BaseModel):
    """Terms of one language in base64, separated by spaces."""

    model_config = ConfigDict(extra="forbid")
    source: str
    explicit: str = ""
    nudity: str = ""
    suggestive: str = ""
    minor: str = ""
    minor_context: str = ""
    prohibited: str = ""

    def decode(self, kind: str) -> list[str]:
        """Return the terms of a kind. Raises ValueError if they are not base64 of UTF-8."""
        coded: str = getattr(self, kind)
        return [base64.b64decode(term, validate=True).decode() for term in coded.split()]


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    url: str
    licence: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    schema_version: int
    lexicon_version: str
    terms: dict[str, list[str]]
    sources: dict[str, _Source] = {}
    coded_terms: dict[str, _CodedTerms] = {}
    ordinary_splits: list[str] = []
    crisis: dict[str, list[str]]
    ages: dict[str, AgeBlock] = {}
    """Empty in releases that were signed before the section existed; the shipped blocks apply."""
    minor: MinorPatterns
    bot: dict[str, list[str]]
    disclosures: DisclosurePatterns | None = None
    """None in releases that were signed before the section existed; the shipped one applies."""
    ai_marks: list[str] = []
    """Not read: the marks of those releases."""
    vocabulary: _Words
    slang: dict[str, str]


def fold_term(kind: str, written: str) -> LexiconTerm:
    """Return a term in the forms that are matched.

    Raises ValueError for an unknown kind or a term without letters.
    """
    seen = fold_lookalikes(written)
    leet = fold_leetspeak(seen)
    run = joined_letters(seen)
    if kind not in (*KINDS, BANNED) or not run:
        raise ValueError(f"no term of type {kind}: {written!r}")
    letters = tuple(dict.fromkeys("".join(filter(str.isalnum, form)) for form in (seen, leet)))
    runs = {run, joined_letters(leet), fold_leetspeak(run)} if len(letters[0]) >= LONG else set()
    steps = min(letter_steps(seen))  # letters of other alphabets have no steps
    turned = (steps,) if len(steps) >= TURNED - 1 else ()
    return LexiconTerm(
        kind,
        tuple({spaced_words(seen), spaced_words(leet)}),
        tuple(runs),
        letters,
        turned,
        _doubled_pattern(seen, leet),
    )


def _fold_own_term(kind: str, written: str) -> Iterator[LexiconTerm]:
    """Yield the terms of an agency's entry. A name is also read as one word, as in a hashtag."""
    if kind != BANNED:
        yield fold_term(kind, written)
        return
    joined = "".join(filter(str.isalnum, written))
    if joined:  # A name without letters was accepted by earlier versions.
        yield from dict.fromkeys((fold_term(kind, written), fold_term(kind, joined)))


def _doubled_pattern(*forms: str) -> str:
    """Return a pattern of the spaced forms with at least their repeats, or "" if they have none.

    It keeps "as" from matching "ass".
    """
    spaced = [" ".join(re.findall(r"[^\W_]+", form)) for form in forms]
    if not any(re.search(r"([^ ])\1", form) for form in spaced):
        return ""
    words = "|".join(" ".join(map(repeated_letters, form.split())) for form in spaced)
    return f"(?<= )(?:{words})(?= )"


def load_lexicon(path: Path, *, over: Path | None = None) -> Lexicon:
    """Load the lexicon from a file.

    `over` is a file of an installation's additional rated terms. Raises ValueError for an invalid
    file.
    """
    data = path.read_bytes()
    file = _parse_file(data)
    terms = _decode_terms(file)
    if over is not None:
        own = over.read_bytes()
        data += own
        for kind, words in yaml.safe_load(own)["terms"].items():
            terms[kind] = [*terms.get(kind, []), *words]
    return _compile_lexicon(
        file, terms, _build_vocabulary(file, path.parent), hashlib.sha256(data).hexdigest()
    )


def parse_lexicon(data: bytes) -> Lexicon:
    """Parse the contents of a lexicon file.

    Raises ValueError for an invalid file or one that names a vocabulary other than the shipped one.
    """
    file = _parse_file(data)
    vocabulary = _build_vocabulary(file, SHIPPED_LEXICON_PATH.parent)
    if vocabulary.sha256 != shipped_lexicon().vocabulary.sha256:
        raise ValueError("the vocabulary required by the lexicon is not installed")
    return _compile_lexicon(file, _decode_terms(file), vocabulary, hashlib.sha256(data).hexdigest())


def _parse_file(data: bytes) -> _File:
    return _File.model_validate(yaml.load(data, Loader=yaml.CSafeLoader))


def _decode_terms(file: _File) -> dict[str, list[str]]:
    """Return the terms of all languages by kind. Raises ValueError for an unknown source."""
    unknown = {one.source for one in file.coded_terms.values()} - file.sources.keys()
    if unknown:
        raise ValueError(f"unknown source: {', '.join(sorted(unknown))}")
    listed = [(kind, one.decode(kind)) for one in file.coded_terms.values() for kind in KINDS]
    found = {kind: list(words) for kind, words in file.terms.items()}
    for kind, words in listed:
        found[kind] = [*found.get(kind, []), *words]
    return found


def _build_vocabulary(file: _File, folder: Path) -> Vocabulary:
    slang = frozenset(word for listed in file.slang.values() for word in listed.casefold().split())
    return Vocabulary(folder / file.vocabulary.file, file.vocabulary.sha256, slang)


def _compile_lexicon(
    file: _File, terms: Mapping[str, Sequence[str]], vocabulary: Vocabulary, digest: str
) -> Lexicon:
    phrases = [phrase for kind, listed in file.crisis.items() if kind != "not" for phrase in listed]
    return Lexicon(
        version=file.lexicon_version,
        digest=digest,
        terms=tuple(
            dict.fromkeys(fold_term(kind, word) for kind, words in terms.items() for word in words)
        ),
        crisis=tuple(
            {
                _phrase_to_search(form(fold_lookalikes(phrase)))
                for phrase in phrases
                for form in (str, fold_leetspeak)
            }
        ),
        crisis_not=tuple(
            _phrase_to_search(fold_lookalikes(phrase)) for phrase in file.crisis.get("not", [])
        ),
        ages=AgePatterns(file.ages or shipped_lexicon().ages.blocks, file.minor),
        bot=tuple(re.compile(pattern) for patterns in file.bot.values() for pattern in patterns),
        disclosures=file.disclosures or shipped_lexicon().disclosures,
        vocabulary=vocabulary,
        ordinary_splits=tuple(map(fold_lookalikes, file.ordinary_splits)),
    )


def _phrase_to_search(folded: str) -> str:
    """Return a phrase padded with spaces to match whole words.

    A phrase in a script that does not separate words with spaces is not padded and matches
    anywhere.
    """
    words = spaced_words(folded)
    return words.strip() if words.strip()[:1] >= UNSPACED else words


@cache
def shipped_lexicon() -> Lexicon:
    """Return the lexicon that is shipped with the product."""
    return load_lexicon(SHIPPED_LEXICON_PATH)
