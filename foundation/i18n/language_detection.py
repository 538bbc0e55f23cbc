"""Detection of the language of a text, if it is certain."""

import re
import unicodedata
from copy import copy
from functools import cache
from typing import TYPE_CHECKING

from foundation.i18n.translation import LANGUAGES

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

TOLD_APART = (*LANGUAGES, "de", "es", "it", "nl", "pt")
"""Languages that the detector distinguishes.

The more languages it knows, the more of them match a short text.
"""
MIN_CONFIDENCE = 0.75
"""Minimum probability: « bonjour » alone is French (0.76), « salut » or "hi" are ambiguous."""
_ENOUGH = 1000

NEIGHBOURS = (*TOLD_APART, "pl", "ro", "cs", "tr", "sv", "da", "no", "fi", "hu")
"""Languages in Latin letters in which users write."""

MIN_OTHER = 0.9
"""Minimum probability that a text is in an unsupported language, if it is unclear which one."""

_SALUTATIONS = frozenset(
    re.findall(
        r"\w+",
        """hola buenas buenos gracias hallo danke servus grazie buongiorno buonasera olá obrigado
        obrigada cześć merhaba""",
    )
)
"""Frequent first messages in unsupported languages that are too short for a detector."""


def detect_language(text: str) -> str | None:
    """Return the supported language of a text, or None if it is another one or uncertain."""
    language, likely = _load_identifier().classify(text[:_ENOUGH])
    return language if language in LANGUAGES and likely >= MIN_CONFIDENCE else None


def is_other_language(text: str) -> bool:
    """Return True if a text is certainly in an unsupported language."""
    plain = unicodedata.normalize("NFKC", text[:_ENOUGH]).casefold()
    words = re.findall(r"[^\W\d_]+", plain)
    letters = "".join(words)
    if not letters:
        return False
    if "¿" in plain or "¡" in plain:  # used only in Spanish and related languages
        return True
    if 2 * sum(map(_is_latin, letters)) < len(letters):
        return True
    if not _SALUTATIONS.isdisjoint(words):
        return detect_language(text) is None
    if len(words) < 2:
        return False
    for known, enough in ((TOLD_APART, MIN_CONFIDENCE), (NEIGHBOURS, MIN_OTHER)):
        language, likely = most_likely_language(plain, known)
        if language not in LANGUAGES and likely >= enough:
            return True
    return all(_other_share(plain, known) >= MIN_OTHER for known in (TOLD_APART, NEIGHBOURS))


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


def _other_share(text: str, known: tuple[str, ...]) -> float:
    ours = sum(
        float(likely)
        for language, likely in _load_identifier(known).rank(text)
        if language in LANGUAGES
    )
    return 1 - ours


def most_likely_language(text: str, known: tuple[str, ...]) -> tuple[str, float]:
    """Return the most likely of these languages (ISO 639-1) and its probability, from 0 to 1."""
    language, likely = _load_identifier(known).classify(text[:_ENOUGH])
    return str(language), float(likely)


@cache
def _load_identifier(known: tuple[str, ...] = TOLD_APART) -> "LanguageIdentifier":
    found = copy(_load_model())  # The copies share the model's tables.
    found.set_languages(known)
    return found


@cache
def _load_model() -> "LanguageIdentifier":
    # Loading the model takes a second.
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  see above

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
