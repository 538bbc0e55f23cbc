"""Texts of which nobody knows whether they were said and billed: a person decides, nothing is asked again by itself.

What may have been billed stays counted either way: given back, it would let an agency talk past the house's limit.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope, stored
from foundation.errors import Conflict, NotFound
from foundation.words import Message
from generators.speech import Licence, SpeechJob
from studio import models, speaking, voices
from studio.states import SPEECH_STATES, SpeechState
from studio.voices import Chosen
from tenants import audit


@dataclass(frozen=True)
class Lost:
    """A text whose answer was lost; a `sample` was said only to hear a voice."""

    id: UUID
    words: str
    engine: str
    characters: int
    sample: bool
    since: datetime


def lost(scope: Scope, creator_id: UUID, *, limit: int = 20) -> list[Lost]:
    """A creator's texts that wait for a person, the oldest first."""
    rows = scope.session.exec(
        select(models.Speech)
        .where(
            models.Speech.tenant_id == scope.tenant_id,
            models.Speech.creator_id == creator_id,
            models.Speech.state == str(SpeechState.UNCERTAIN),
        )
        .order_by(col(models.Speech.updated_at), col(models.Speech.id))
        .limit(limit)
    )
    return [
        Lost(row.id, row.words, row.engine, row.characters, row.sample, row.updated_at or scope.now) for row in rows
    ]


def count(scope: Scope, creator_id: UUID, speech_id: UUID) -> None:
    """Take it as billed, and do no more. Raises NotFound, and Conflict where somebody decided by now."""
    _end(scope, _lost(scope, creator_id, speech_id), Message("speech.counted"))
    audit.note(scope, "speech.count", f"speech:{speech_id}")


def again(scope: Scope, creator_id: UUID, speech_id: UUID, *, by: str, per_month: int = 0) -> UUID:
    """Ask for the same words again, once; the first may be billed as well. A sample's voice is the same, else it is the
    creator's of today.

    Returns the new speech's id. Raises NotFound, Conflict where somebody decided by now, and as `speaking.start`:
    then it stays as it is.
    """
    row = _lost(scope, creator_id, speech_id)
    anew = speaking.put(
        scope,
        creator_id,
        SpeechJob(row.words, language=row.language),
        lambda: _heard(row) if row.sample else voices.chosen(scope, creator_id),
        key=f"again:{speech_id}",
        by=by,
        per_month=per_month,
        sample=row.sample,
    )
    _end(scope, row, Message("speech.asked_again"))
    audit.note(scope, "speech.again", f"speech:{speech_id}")
    return anew


def _heard(row: models.Speech) -> Chosen:
    """The voice a sample was to let hear: what is lost was paid for."""
    return Chosen(row.engine, row.voice, row.voice, "", Licence(**row.licence), True, row.person_id)


def _lost(scope: Scope, creator_id: UUID, speech_id: UUID) -> models.Speech:
    row = scope.session.get(models.Speech, (scope.tenant_id, speech_id), with_for_update=True)
    if row is None or row.creator_id != creator_id:
        raise NotFound("speech.unknown")
    if row.state != SpeechState.UNCERTAIN:
        raise Conflict("speech.decided")
    return row


def _end(scope: Scope, row: models.Speech, because: Message) -> None:
    SPEECH_STATES.check(SpeechState(row.state), SpeechState.FAILED)
    row.state, row.reason = str(SpeechState.FAILED), stored(because)
    scope.add(row)
