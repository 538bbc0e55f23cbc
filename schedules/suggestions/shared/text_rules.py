"""What a model's texts must pass before anybody is offered them. Pure, but for the connector's own
counting."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from foundation.i18n import language_detection
from foundation.i18n.translation import Message
from gate.text import text_rating
from generators.text import output_checks
from schedules.posts import text_similarity
from schedules.posts.text_similarity import Fingerprint, SimilarityKind
from schedules.suggestions.shared import minor_terms
from schedules.suggestions.shared.forbidden_words import find_forbidden_word
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES

MAX_HASHTAGS = 8
MAX_SHARED_WORDS = 0.8
"""Share of the words of two texts, each seen from the other, above which one says the other
again."""

_FEW = 5
"""Words: fewer are in common by chance."""
_TELLS = 20
"""Letters: of fewer, no guess at their language is worth anything."""
_UNKEPT = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
"""Signs no database keeps, and those that turn text around."""
_TAG = re.compile(r"[^\W_]\w{0,49}")

CountText = Callable[[str], tuple[int, int]]
"""How much a text counts on a place, the marks of the place included, and the most it takes."""


@dataclass(frozen=True)
class KnownText:
    """A text of the creator, as it is compared."""

    text: str
    print: Fingerprint


@dataclass(frozen=True)
class TextRules:
    """What is asked of every text: its language ("" for any), words that are never used, what was
    said lately.

    `sources` are the question's own words: what mostly repeats them is an echo.
    """

    language: str
    forbidden: tuple[str, ...] = ()
    said: tuple[KnownText, ...] = ()
    sources: tuple[str, ...] = ()


def known_texts(texts: Iterable[str]) -> tuple[KnownText, ...]:
    """Texts as they are compared; empty ones are none."""
    return tuple(
        KnownText(text, text_similarity.fingerprint_text(text))
        for text in dict.fromkeys(texts)
        if text.strip()
    )


def clean_field(text: str) -> str:
    """A text as a field may hold it: no signs that no database keeps, no blanks around."""
    kept = _UNKEPT.sub(
        "", unicodedata.normalize("NFC", text.replace("\t", " ").replace("\r\n", "\n"))
    )
    return "\n".join(line.rstrip() for line in kept.splitlines()).strip()


def clean_line(text: str) -> str:
    """Clean a text for a field of one line: any white space becomes one space."""
    return " ".join(clean_field(text).split())


def find_violation(
    texts: Mapping[str, str],
    rules: TextRules,
    *,
    counts: Mapping[str, Sequence[CountText]] | None = None,
) -> Message | None:
    """The first reason why nobody may be offered these texts (by field); None where they are fit.

    `counts` are the places a field may go to.
    """
    shown = list(texts.values())
    never = _find_forbidden_content(shown, rules)
    if never is not None:
        return never
    if not _is_in_language(shown, rules.language):
        return Message("kit.wrote_language", {"language": rules.language})
    if any(output_checks.is_looping(text) for text in shown):
        return Message("kit.wrote_loop")
    for length, most in (
        count(texts[field]) for field, places in (counts or {}).items() for count in places
    ):
        if length > most:
            return Message("kit.wrote_long", {"length": length, "most": most})
    if any(has_known_text(text, rules.said) for text in shown):
        return Message("kit.wrote_again")
    return None


def find_hashtag_violation(written: str, rules: TextRules) -> Message | None:
    """The same of hashtags as they are written: they are of no language, and the same ones come
    again."""
    return find_violation({"all": written.replace("#", " ")}, replace(rules, language="", said=()))


def _find_forbidden_content(shown: Sequence[str], rules: TextRules) -> Message | None:
    """Why nobody may read this at all: nothing, minors, words that are never used, addresses out of
    nowhere."""
    if not any(shown):
        return Message("kit.empty")
    if minor_terms.is_about_minor(shown):
        return Message("kit.wrote_never")
    word = find_forbidden_word("\n".join(shown), rules.forbidden)
    if word is not None:
        return Message("kit.wrote_forbidden", {"word": word})
    if set(text_rating.extract_links(shown)) - set(text_rating.extract_links(rules.sources)):
        return Message("kit.wrote_link")
    return None


def _is_in_language(texts: Sequence[str], language: str) -> bool:
    """Whether none of these texts is surely in another language, and all of them together most
    likely in this one."""
    if not language:
        return True
    for text in texts:
        seen, likely = language_detection.most_likely_language(text, WRITABLE_LANGUAGES)
        if (
            _count_letters(text) >= _TELLS
            and seen != language
            and likely >= language_detection.MIN_CONFIDENCE
        ):
            return False
    together = "\n".join(texts)
    return (
        _count_letters(together) < _TELLS
        or language_detection.most_likely_language(together, WRITABLE_LANGUAGES)[0] == language
    )


def _count_letters(text: str) -> int:
    """Letters, where one of a script without blanks between words tells as much as three."""
    return sum(3 if sign >= "\u2e80" else 1 for sign in text if sign.isalpha())


def has_known_text(text: str, said: Iterable[KnownText]) -> bool:
    """Whether a text says again what was said: the same words, nearly the same, or hardly any
    others."""
    mine = text_similarity.fingerprint_text(text)
    words = len(output_checks.significant_words(text))
    for one in said:
        if text_similarity.compare_fingerprints(mine, one.print) in (
            SimilarityKind.WORDS,
            SimilarityKind.NEARLY,
        ):
            return True
        if words >= _FEW and output_checks.shared_word_ratio(
            text, one.text
        ) > MAX_SHARED_WORDS < output_checks.shared_word_ratio(one.text, text):
            return True
    return False


def parse_hashtags(found: Iterable[str]) -> list[str] | None:
    """Hashtags as they are written, each once; None where one of them is none: blanks, signs,
    figures alone."""
    kept: dict[str, str] = {}
    for one in found:
        bare = clean_field(one).removeprefix("#")
        if not _TAG.fullmatch(bare) or bare.isdigit():
            return None
        kept.setdefault(bare.casefold(), f"#{bare}")
    return list(kept.values())[:MAX_HASHTAGS]


def parse_hashtags_field(value: object) -> list[str] | None:
    """Parse the hashtags of a model's answer, whose value may be of any type. See
    `parse_hashtags`."""
    return parse_hashtags(map(str, value if isinstance(value, list) else ()))
