"""Words that stand where no post is: the name of a page, its address, what it says of itself. No permit carries them,
nobody's age is asked before them, so they are read once, before they stand anywhere, and are General or not taken."""

from collections.abc import Iterable

from foundation.database import Scope
from foundation.errors import Refused
from gate import inforce
from gate.text import MinorSignal, minor_statement, rate
from gate.units import Rating


def check(scope: Scope, texts: Iterable[str]) -> None:
    """Raises Refused for words that are more than General, harmless only on something General, disguised, or that say
    an age under 18."""
    shown, lexicon = [text for text in texts if text], inforce.rules(scope).lexicon
    found = rate(shown, lexicon=lexicon)
    young = any(minor_statement(text, lexicon=lexicon) is MinorSignal.STATED for text in shown)
    if young or found.rating is not Rating.G or found.contextual or found.obfuscated:
        raise Refused("gate.profile_words")
