"""Texts of which nobody knows whether they were said and billed: a person decides, nothing is asked
again by itself.

What may have been billed stays counted either way: given back, it would let an agency talk past the
house's limit.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import Conflict, NotFound
from foundation.i18n.translation import Message
from generators.contract.speech import SpeechJob, VoiceLicence
from studio.voice import creator_voices, speeches
from studio.voice.creator_voices import ChosenVoice
from studio.voice.models import SpeechRow
from studio.voice.states import SPEECH_STATES, SpeechState
from tenants import audit


@dataclass(frozen=True)
class UncertainSpeech:
    """A text whose answer was lost; a `sample` was said only to hear a voice."""

    id: UUID
    words: str
    engine: str
    characters: int
    sample: bool
    since: datetime


def list_uncertain_speeches(
    scope: Scope, creator_id: UUID, *, limit: int = 20
) -> list[UncertainSpeech]:
    """A creator's texts that wait for a person, the oldest first."""
    rows = scope.session.exec(
        select(SpeechRow)
        .where(
            SpeechRow.tenant_id == scope.tenant_id,
            SpeechRow.creator_id == creator_id,
            SpeechRow.state == str(SpeechState.UNCERTAIN),
        )
        .order_by(col(SpeechRow.updated_at), col(SpeechRow.id))
        .limit(limit)
    )
    return [
        UncertainSpeech(
            row.id, row.words, row.engine, row.characters, row.sample, row.updated_at or scope.now
        )
        for row in rows
    ]


def mark_billed(scope: Scope, creator_id: UUID, speech_id: UUID) -> None:
    """Take it as billed, and do no more. Raises NotFound, and Conflict where somebody decided by
    now."""
    _mark_speech_failed(
        scope, _lock_uncertain_speech(scope, creator_id, speech_id), Message("speech.counted")
    )
    audit.record(scope, "speech.count", f"speech:{speech_id}")


def repeat_speech(
    scope: Scope, creator_id: UUID, speech_id: UUID, *, by: str, per_month: int = 0
) -> UUID:
    """Ask for the same words again, once; the first may be billed as well. A sample's voice is the
    same, else it is the creator's of today.

    Returns the new speech's id. Raises NotFound, Conflict where somebody decided by now, and as
    `speeches.request_speech`: then it stays as it is.
    """
    row = _lock_uncertain_speech(scope, creator_id, speech_id)
    anew = speeches.store_speech(
        scope,
        creator_id,
        SpeechJob(row.words, language=row.language),
        lambda: _sample_voice(row) if row.sample else creator_voices.get_voice(scope, creator_id),
        key=f"again:{speech_id}",
        by=by,
        per_month=per_month,
        sample=row.sample,
    )
    _mark_speech_failed(scope, row, Message("speech.asked_again"))
    audit.record(scope, "speech.again", f"speech:{speech_id}")
    return anew


def _sample_voice(row: SpeechRow) -> ChosenVoice:
    """The voice a sample was to let hear: what is lost was paid for."""
    return ChosenVoice(
        row.engine, row.voice, row.voice, "", VoiceLicence(**row.licence), True, row.person_id
    )


def _lock_uncertain_speech(scope: Scope, creator_id: UUID, speech_id: UUID) -> SpeechRow:
    row = scope.session.get(SpeechRow, (scope.tenant_id, speech_id), with_for_update=True)
    if row is None or row.creator_id != creator_id:
        raise NotFound("speech.unknown")
    if row.state != SpeechState.UNCERTAIN:
        raise Conflict("speech.decided")
    return row


def _mark_speech_failed(scope: Scope, row: SpeechRow, because: Message) -> None:
    SPEECH_STATES.check(SpeechState(row.state), SpeechState.FAILED)
    row.state = str(SpeechState.FAILED)
    row.reason = stored_message(because)
    scope.add(row)
