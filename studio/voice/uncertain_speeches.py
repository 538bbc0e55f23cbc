"""Uncertain speeches: texts of which it is unknown whether they were synthesized and billed. A
member decides; nothing is retried automatically.

Possibly billed characters continue to count in either case, because releasing them would let an
agency exceed the installation's limit.
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
    """A text whose response was lost; `sample` is True for a voice sample."""

    id: UUID
    words: str
    engine: str
    characters: int
    sample: bool
    since: datetime


def list_uncertain_speeches(
    scope: Scope, creator_id: UUID, *, limit: int = 20
) -> list[UncertainSpeech]:
    """Return a creator's uncertain texts, oldest first."""
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
    """Accept a speech as billed. Raises NotFound, and Conflict if it was already decided."""
    _mark_speech_failed(
        scope, _lock_uncertain_speech(scope, creator_id, speech_id), Message("speech.counted")
    )
    audit.record(scope, "speech.count", f"speech:{speech_id}")


def repeat_speech(
    scope: Scope, creator_id: UUID, speech_id: UUID, *, by: str, per_month: int = 0
) -> UUID:
    """Request the same text again, once, and return the ID of the new speech. The first one may
    also be billed.

    A sample retains its voice; otherwise the creator's current voice is used. Raises NotFound,
    Conflict if it was already decided, and the errors of `speeches.request_speech`, after which the
    speech remains uncertain.
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
    """Return the voice of a sample, treated as a paid one because only paid requests become
    uncertain."""
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
