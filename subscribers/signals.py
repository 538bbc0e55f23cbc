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
    """Whether words, read in any of these ways, say or strongly hint that they are a minor's.

    To be called before a conversation is locked: the reader's epoch comes first.
    """
    lexicon = inforce.rules(scope).lexicon
    found = {_said(one, lexicon) for one in readings}
    if MinorSignal.STATED in found:
        viewers.block(scope, platform, user_id)
    elif MinorSignal.HINTED in found:
        viewers.suspect(scope, platform, user_id)
    return bool(found - {MinorSignal.NONE})


def _said(one: Reading, lexicon: Lexicon) -> MinorSignal:
    """What one reading says; of words that were heard before, nothing that they say alone."""
    if one.known and gate_text.minor_statement(one.text, lexicon=lexicon) is not MinorSignal.NONE:
        return MinorSignal.NONE
    return gate_text.minor_statement(one.text, before=one.before, asked=one.asked, lexicon=lexicon)
