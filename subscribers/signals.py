"""What a fan's words say of their age and of danger; an age is told to the gate at once. There is no setting that turns
this off."""

from foundation.database import Scope
from gate import inforce, viewers
from gate import text as gate_text
from gate.lexicon import Lexicon
from gate.text import MinorSignal
from subscribers.heard import Reading


def crisis(scope: Scope, text: str) -> bool:
    """Whether somebody speaks of harming themselves."""
    return gate_text.crisis(text, lexicon=inforce.rules(scope).lexicon)


def minor(scope: Scope, platform: str, user_id: str, *readings: Reading) -> bool:
    """Whether words, read in any of these ways, say or strongly hint that they are a minor's; then the gate knows.

    To be called before a conversation is locked: the reader's epoch comes first, as in `tell`.
    """
    return tell(scope, platform, user_id, age(scope, *readings))


def age(scope: Scope, *readings: Reading) -> MinorSignal:
    """The strongest thing that words say of their writer's age, read in any of these ways; nobody is told."""
    lexicon = inforce.rules(scope).lexicon
    found = {_said(one, lexicon) for one in readings}
    return next((one for one in (MinorSignal.STATED, MinorSignal.HINTED) if one in found), MinorSignal.NONE)


def tell(scope: Scope, platform: str, user_id: str, signal: MinorSignal) -> bool:
    """Let the gate know what somebody's words said; whether they said anything."""
    if signal is MinorSignal.STATED:
        viewers.block(scope, platform, user_id)
    elif signal is MinorSignal.HINTED:
        viewers.suspect(scope, platform, user_id)
    return signal is not MinorSignal.NONE


def _said(one: Reading, lexicon: Lexicon) -> MinorSignal:
    """What one reading says; of words that were heard before, nothing that they say alone."""
    if one.known and gate_text.minor_statement(one.text, lexicon=lexicon) is not MinorSignal.NONE:
        return MinorSignal.NONE
    return gate_text.minor_statement(one.text, before=one.before, asked=one.asked, lexicon=lexicon)
