"""Words that stand where no post is: the name of a page, its address, what it says of itself. No
permit carries them, nobody's age is asked before them, so they are read once, before they stand
anywhere, and are General or not taken."""

from collections.abc import Iterable

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.units import Rating
from gate.policy import active_policy
from gate.text.text_rating import MinorSignal, detect_minor_statement, rate_texts


def check_profile_texts(scope: Scope, texts: Iterable[str]) -> None:
    """Raises Refused for words that are more than General, harmless only on something General,
    disguised, or that say an age under 18."""
    shown = [text for text in texts if text]
    lexicon = active_policy.current_bundle(scope).lexicon
    found = rate_texts(shown, lexicon=lexicon)
    young = any(
        detect_minor_statement(text, lexicon=lexicon) is MinorSignal.STATED for text in shown
    )
    if young or found.rating is not Rating.G or found.contextual or found.obfuscated:
        raise Refused("gate.profile_words")
