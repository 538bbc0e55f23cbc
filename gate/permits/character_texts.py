"""Check of the texts that describe a fictional character, such as an imported character card.

A model reads all of them, so one text about a minor makes the whole character inadmissible.
"""

from collections.abc import Iterable

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.policy import agency_lexicon
from gate.text.ages import describes_minor
from gate.text.text_rating import rate_texts


def check_character_texts(scope: Scope, texts: Iterable[str]) -> None:
    """Raise Refused for a character described as a minor, and for prohibited content."""
    shown = [text for text in texts if text]
    lexicon = agency_lexicon.current_lexicon(scope)
    today = scope.now.date()
    rated = rate_texts(shown, today=today, lexicon=lexicon)
    if rated.prohibited == "category":
        raise Refused("gate.character_prohibited")
    if rated.prohibited == "minor" or any(
        describes_minor(text, today, lexicon=lexicon) for text in shown
    ):
        raise Refused("gate.character_minor")
