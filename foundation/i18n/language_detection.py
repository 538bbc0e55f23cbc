"""Which language words are in, where they surely tell."""

import re
import unicodedata
from copy import copy
from functools import cache
from typing import TYPE_CHECKING

from foundation.i18n.translation import LANGUAGES

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

TOLD_APART = (*LANGUAGES, "de", "es", "it", "nl", "pt")
"""Words in the others are not taken for ours; the more there are, the more short words fit
several."""
MIN_CONFIDENCE = 0.75
"""How likely a language must be: « bonjour » alone is French (0.76), « salut » or "hi" could be
anything."""
_ENOUGH = 1000

NEIGHBOURS = (*TOLD_APART, "pl", "ro", "cs", "tr", "sv", "da", "no", "fi", "hu")
"""Languages in Latin letters that people write to us in."""

MIN_OTHER = 0.9
"""How likely words must be in none of our languages, when it is not sure in which other one."""

_SALUTATIONS = frozenset(
    re.findall(
        r"\w+",
        """hola buenas buenos gracias hallo danke servus grazie buongiorno buonasera olá obrigado
        obrigada cześć merhaba""",
    )
)
"""What a first message often consists of: too short for any detector, and in none of our
languages."""


def detect_language(text: str) -> str | None:
    """The language of words that are surely in one that the house speaks; None for others, and for
    too few words."""
    language, likely = _load_identifier().classify(text[:_ENOUGH])
    return language if language in LANGUAGES and likely >= MIN_CONFIDENCE else None


def is_other_language(text: str) -> bool:
    """Return True if words are surely in a language that is none of ours, whichever it is."""
    plain = unicodedata.normalize("NFKC", text[:_ENOUGH]).casefold()
    words = re.findall(r"[^\W\d_]+", plain)
    letters = "".join(words)
    if not letters:
        return False
    if "¿" in plain or "¡" in plain:  # Spanish and its neighbours alone write them
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
    """Which of these languages (ISO 639-1) words are most likely in, and how likely, 0 to 1."""
    language, likely = _load_identifier(known).classify(text[:_ENOUGH])
    return str(language), float(likely)


@cache
def _load_identifier(known: tuple[str, ...] = TOLD_APART) -> "LanguageIdentifier":
    found = copy(_load_model())  # the tables are shared
    found.set_languages(known)
    return found


@cache
def _load_model() -> "LanguageIdentifier":
    # its model takes a second to load
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  see above

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
