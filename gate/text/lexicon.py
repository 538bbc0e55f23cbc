"""The words the safety check knows, read from `gate/policy/lexicon.yaml` and checked when they are
read."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from gate.text.normalization import (
    CENSOR_MARK,
    fold_case,
    fold_leetspeak,
    fold_lookalikes,
    joined_letters,
    letter_steps,
    spaced_words,
)
from gate.text.vocabulary import Vocabulary

SHIPPED_LEXICON_PATH = Path(__file__).parents[1] / "policy" / "lexicon.yaml"
LONG = 8
"""From this many letters on a term is also sought with separators taken out."""
TURNED = 10
"""From this many letters on, also in any shift of the alphabet: ordinary words are no shift of so
long a term."""
SHOWN = 4
"""A term of fewer letters is not sought where some of them are blotted out."""

UNSPACED = "\u2e80"
"""From here on stand the scripts of Chinese, Japanese and Korean."""

ROMAN = "x(?:i{1,3}|iv|vi{0,2})"
"""11 to 17; smaller ones are words too."""

KINDS = ("explicit", "nudity", "suggestive", "minor", "minor_context", "prohibited")


@dataclass(frozen=True)
class LexiconTerm:
    """A rated term, folded as the views are."""

    kind: str
    words: tuple[str, ...]
    """Spaced forms, with a blank at either end."""
    runs: tuple[str, ...]
    """Joined forms; none for a short term, which ordinary words may hold."""
    steps: tuple[str, ...] = ()
    """How far each letter is from the one before, where there are enough of them to mean it."""
    blotted: "re.Pattern[str] | None" = None
    """The term with any of its letters blotted out; of a short one the word alone."""


@dataclass(frozen=True)
class Lexicon:
    """Terms and patterns, ready to match; `digest` names the files they came from, the vocabulary's
    by its pin."""

    version: str
    digest: str
    terms: tuple[LexiconTerm, ...]
    crisis: tuple[str, ...]
    crisis_not: tuple[str, ...]
    minor_stated: tuple["re.Pattern[str]", ...]
    minor_hinted: tuple["re.Pattern[str]", ...]
    minor_answer: tuple["re.Pattern[str]", ...]
    """What says an age of under 18 to who asked for it."""
    age_asked: tuple["re.Pattern[str]", ...]
    bot: tuple["re.Pattern[str]", ...]
    ai_marks: tuple["re.Pattern[str]", ...]
    vocabulary: Vocabulary

    @cached_property
    def term_words(self) -> frozenset[str]:
        """Single words of the terms, folded: what the lexicon looks for, it can read."""
        return frozenset(
            piece for one in self.terms for words in one.words for piece in words.split()
        )


class _Minor(BaseModel):
    model_config = ConfigDict(extra="forbid")
    stated: dict[str, list[str]]
    hinted: dict[str, list[str]]
    asked: dict[str, list[str]] = {}
    numbers: dict[str, list[str]]
    not_ages: list[str]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    file: str
    sha256: str


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")
    schema_version: int
    lexicon_version: str
    terms: dict[str, list[str]]
    crisis: dict[str, list[str]]
    minor: _Minor
    bot: dict[str, list[str]]
    ai_marks: list[str]
    vocabulary: _Words
    slang: dict[str, str]


def fold_term(kind: str, written: str) -> LexiconTerm:
    """A term of one kind as matching sees it. Raises ValueError for a kind nobody knows or a term
    without letters."""
    seen = fold_lookalikes(written)
    run = joined_letters(seen)
    if kind not in KINDS or not run:
        raise ValueError(f"no term of kind {kind}: {written!r}")
    runs = (
        {run, joined_letters(fold_leetspeak(seen)), fold_leetspeak(run)}
        if len(run) >= LONG
        else set()
    )
    steps = min(letter_steps(seen))  # of letters of other alphabets there are none
    turned = (steps,) if len(steps) >= TURNED - 1 else ()
    return LexiconTerm(
        kind,
        tuple({spaced_words(seen), spaced_words(fold_leetspeak(seen))}),
        tuple(runs),
        turned,
        _censored_pattern(seen),
    )


def _censored_pattern(seen: str) -> "re.Pattern[str] | None":
    letters = [letter for letter in fold_leetspeak(seen) if letter.isalnum()]
    if len(letters) < SHOWN:
        return None
    written = "".join(f"[{letter}{re.escape(CENSOR_MARK)}]" for letter in letters)
    return re.compile(written if len(letters) >= LONG else f"(?<= ){written}(?= )")


def load_lexicon(path: Path, *, over: Path | None = None) -> Lexicon:
    """The lexicon of a file; `over` adds an installation's own rated terms. Raises ValueError for a
    bad file."""
    data = path.read_bytes()
    file = _parse_file(data)
    terms: dict[str, list[str]] = dict(file.terms)
    if over is not None:
        own = over.read_bytes()
        data += own
        for kind, words in yaml.safe_load(own)["terms"].items():
            terms[kind] = [*terms.get(kind, []), *words]
    return _compile_lexicon(
        file, terms, _build_vocabulary(file, path.parent), hashlib.sha256(data).hexdigest()
    )


def parse_lexicon(data: bytes) -> Lexicon:
    """The lexicon as it is written; its vocabulary must be the one that comes with the product.
    Raises ValueError."""
    file = _parse_file(data)
    vocabulary = _build_vocabulary(file, SHIPPED_LEXICON_PATH.parent)
    if vocabulary.sha256 != shipped_lexicon().vocabulary.sha256:
        raise ValueError("the lexicon names a vocabulary that is not installed")
    return _compile_lexicon(file, file.terms, vocabulary, hashlib.sha256(data).hexdigest())


def _parse_file(data: bytes) -> _File:
    return _File.model_validate(yaml.load(data, Loader=yaml.CSafeLoader))


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
        terms=tuple(fold_term(kind, word) for kind, words in terms.items() for word in words),
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
        minor_stated=_compile_age_patterns(file.minor, file.minor.stated),
        minor_hinted=_compile_age_patterns(file.minor, file.minor.hinted),
        minor_answer=_compile_age_patterns(
            file.minor, {language: [r"^\W*{age}\b(?! ?{unit})"] for language in file.minor.asked}
        ),
        age_asked=tuple(
            re.compile(pattern) for patterns in file.minor.asked.values() for pattern in patterns
        ),
        bot=tuple(re.compile(pattern) for patterns in file.bot.values() for pattern in patterns),
        ai_marks=tuple(re.compile(pattern) for pattern in file.ai_marks),
        vocabulary=vocabulary,
    )


def _phrase_to_search(folded: str) -> str:
    """A phrase as whole words; of scripts that put none or no blanks around what they say,
    anywhere."""
    words = spaced_words(folded)
    return words.strip() if words.strip()[:1] >= UNSPACED else words


def _compile_age_patterns(
    minor: _Minor, patterns: Mapping[str, Sequence[str]]
) -> "tuple[re.Pattern[str], ...]":
    # a unit is a whole word: "I'm 15 male" is no "mal"
    unit = (
        "(?:"
        + "|".join(
            rf"{one}\b" if one[0].isalpha() or one[0] == "(" else one for one in minor.not_ages
        )
        + ")"
    )
    compiled = []
    for language, listed in patterns.items():
        words = "|".join([*map(fold_case, minor.numbers[language]), "1[0-7]", "[5-9]", ROMAN])
        for pattern in listed:
            compiled.append(
                re.compile(pattern.replace("{age}", f"(?:{words})").replace("{unit}", unit))
            )
    return tuple(compiled)


@cache
def shipped_lexicon() -> Lexicon:
    """The lexicon that comes with the product."""
    return load_lexicon(SHIPPED_LEXICON_PATH)
