"""Age and crisis signals in a fan's text. An age signal is reported to the gate at once; no setting
turns this off."""

from datetime import date

from foundation.db.database import Scope
from gate.policy import active_policy
from gate.text import text_rating
from gate.text.lexicon import Lexicon
from gate.text.text_rating import MinorSignal
from gate.viewers import age_assurance
from subscribers.conversations.message_context import MessageReading


def has_crisis_signal(scope: Scope, text: str) -> bool:
    """Return True if the text speaks of self-harm."""
    return text_rating.is_crisis_message(text, lexicon=active_policy.current_bundle(scope).lexicon)


def has_minor_signal(scope: Scope, platform: str, user_id: str, *readings: MessageReading) -> bool:
    """Return True if any reading states or strongly hints that the writer is a minor, and report it
    to the gate.

    Call it before the conversation is locked: the lock on the reader's epoch must be taken first.
    """
    return report_age_signal(scope, platform, user_id, strongest_age_signal(scope, *readings))


def strongest_age_signal(scope: Scope, *readings: MessageReading) -> MinorSignal:
    """Return the strongest age signal of these readings, without reporting it."""
    lexicon = active_policy.current_bundle(scope).lexicon
    found = {_detect_signal(one, scope.now.date(), lexicon) for one in readings}
    return next(
        (one for one in (MinorSignal.STATED, MinorSignal.HINTED) if one in found), MinorSignal.NONE
    )


def report_age_signal(scope: Scope, platform: str, user_id: str, signal: MinorSignal) -> bool:
    """Report an age signal to the gate. Return True if there was one."""
    if signal is MinorSignal.STATED:
        age_assurance.block_viewer(scope, platform, user_id)
    elif signal is MinorSignal.HINTED:
        age_assurance.mark_suspected_minor(scope, platform, user_id)
    return signal is not MinorSignal.NONE


def _detect_signal(one: MessageReading, today: date, lexicon: Lexicon) -> MinorSignal:
    """Return the signal of one reading. For a text that was already checked, only its context can
    add a signal."""
    if (
        one.known
        and text_rating.detect_minor_statement(one.text, today=today, lexicon=lexicon)
        is not MinorSignal.NONE
    ):
        return MinorSignal.NONE
    return text_rating.detect_minor_statement(
        one.text, before=one.before, asked=one.asked, today=today, lexicon=lexicon
    )
