"""Check of profile texts: the name, the address and the description of a page.

They are published without a permit and without an age check, so they are checked before they are
saved and must be rated General.
"""

from collections.abc import Iterable

from foundation.db.database import Scope
from foundation.errors import Refused
from gate.contract.units import Rating
from gate.policy import active_policy
from gate.text.text_rating import MinorSignal, detect_minor_statement, rate_texts


def check_profile_texts(scope: Scope, texts: Iterable[str]) -> None:
    """Raise Refused for texts that are rated above General, acceptable in General content only,
    disguised, or that state an age under 18."""
    shown = [text for text in texts if text]
    lexicon = active_policy.current_bundle(scope).lexicon
    found = rate_texts(shown, lexicon=lexicon)
    young = any(
        detect_minor_statement(text, lexicon=lexicon) is MinorSignal.STATED for text in shown
    )
    if young or found.rating is not Rating.G or found.contextual or found.obfuscated:
        raise Refused("gate.profile_words")
