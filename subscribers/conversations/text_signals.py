"""What a fan's words say of their age and of danger; an age is told to the gate at once. There is
no setting that turns this off."""

from foundation.db.database import Scope
from gate.policy import active_policy
from gate.text import text_rating
from gate.text.lexicon import Lexicon
from gate.text.text_rating import MinorSignal
from gate.viewers import age_assurance
from subscribers.conversations.message_context import MessageReading


def has_crisis_signal(scope: Scope, text: str) -> bool:
    """Whether somebody speaks of harming themselves."""
    return text_rating.is_crisis_message(text, lexicon=active_policy.current_bundle(scope).lexicon)


def has_minor_signal(scope: Scope, platform: str, user_id: str, *readings: MessageReading) -> bool:
    """Whether words, read in any of these ways, say or strongly hint that they are a minor's; then
    the gate knows.

    To be called before a conversation is locked: the reader's epoch comes first, as in `tell`.
    """
    return report_age_signal(scope, platform, user_id, strongest_age_signal(scope, *readings))


def strongest_age_signal(scope: Scope, *readings: MessageReading) -> MinorSignal:
    """The strongest thing that words say of their writer's age, read in any of these ways; nobody
    is told."""
    lexicon = active_policy.current_bundle(scope).lexicon
    found = {_detect_signal(one, lexicon) for one in readings}
    return next(
        (one for one in (MinorSignal.STATED, MinorSignal.HINTED) if one in found), MinorSignal.NONE
    )


def report_age_signal(scope: Scope, platform: str, user_id: str, signal: MinorSignal) -> bool:
    """Let the gate know what somebody's words said; whether they said anything."""
    if signal is MinorSignal.STATED:
        age_assurance.block_viewer(scope, platform, user_id)
    elif signal is MinorSignal.HINTED:
        age_assurance.mark_suspected_minor(scope, platform, user_id)
    return signal is not MinorSignal.NONE


def _detect_signal(one: MessageReading, lexicon: Lexicon) -> MinorSignal:
    """What one reading says; of words that were heard before, nothing that they say alone."""
    if (
        one.known
        and text_rating.detect_minor_statement(one.text, lexicon=lexicon) is not MinorSignal.NONE
    ):
        return MinorSignal.NONE
    return text_rating.detect_minor_statement(
        one.text, before=one.before, asked=one.asked, lexicon=lexicon
    )
