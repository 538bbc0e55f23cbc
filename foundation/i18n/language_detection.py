"""Which language words are in, where they surely tell."""

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


def detect_language(text: str) -> str | None:
    """The language of words that are surely in one that the house speaks; None for others, and for
    too few words."""
    language, likely = _load_identifier().classify(text[:_ENOUGH])
    return language if language in LANGUAGES and likely >= MIN_CONFIDENCE else None


def most_likely_language(text: str, known: tuple[str, ...]) -> tuple[str, float]:
    """Which of these languages (ISO 639-1) words are most likely in, and how likely, 0 to 1."""
    language, likely = _load_identifier(known).classify(text[:_ENOUGH])
    return str(language), float(likely)


@cache
def _load_identifier(known: tuple[str, ...] = TOLD_APART) -> "LanguageIdentifier":
    # its model takes a second to load
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415  see above

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(known)
    return found
