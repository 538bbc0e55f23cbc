"""Words that a creator never uses: find them in a text, whatever their case and accents. Pure."""

import re
import unicodedata
from collections.abc import Iterable

from foundation.errors import BadInput


def reject_forbidden_words(text: str, words: Iterable[str]) -> None:
    """Raise BadInput if the text contains one of these words or phrases."""
    word = find_forbidden_word(text, words)
    if word is not None:
        raise BadInput("week.forbidden", word=word)


def find_forbidden_word(text: str, words: Iterable[str]) -> str | None:
    """Return the first of these words or phrases that the text contains as a whole word, or
    None."""
    searched = _normalize_for_search(text)
    for word in words:
        bare = _normalize_for_search(word)
        if bare and re.search(rf"(?<!\w){re.escape(bare)}(?!\w)", searched):
            return word
    return None


def _normalize_for_search(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).split())
