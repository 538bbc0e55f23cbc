"""Hearing a voice before it is chosen: a short sentence that the workers say, kept for a day and in no library.

It is a speech like any other: counted where it is paid for, uncertain where its answer was lost.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message, say
from generators.speech import Offered, SpeechJob
from studio import models, speaking, voices
from studio.models_voices import VoiceSample
from studio.states import SpeechState
from tenants import reads as tenant_reads

WORDS = Message("voice.sample_words")
FRESH = timedelta(days=1)


@dataclass(frozen=True)
class Sample:
    """A voice that was, or will be, heard."""

    id: UUID
    engine: str
    voice: str
    language: str
    state: SpeechState
    reason: Message | None


def start(
    scope: Scope,
    creator_id: UUID,
    wanted: Offered,
    *,
    language: str,
    key: str,
    by: str,
    person_id: UUID | None = None,
    per_month: int = 0,
) -> UUID:
    """Have a voice say a short sentence in a language, once per `key`; returns the speech's id.

    Raises as `voices.allowed` and `speaking.start`.
    """
    tenant_reads.creator(scope, creator_id)  # another tenant's is unknown
    voice = voices.allowed(scope, wanted, person_id)
    return speaking.put(
        scope,
        creator_id,
        SpeechJob(say(WORDS, language), language=language),
        lambda: voice,
        key=key,
        by=by,
        per_month=per_month,
        sample=True,
    )


def recent(scope: Scope, creator_id: UUID, *, limit: int = 4) -> list[Sample]:
    """What was asked for since yesterday, the newest first."""
    rows = scope.session.exec(
        select(models.Speech)
        .where(
            models.Speech.tenant_id == scope.tenant_id,
            models.Speech.creator_id == creator_id,
            col(models.Speech.sample),
            col(models.Speech.created_at) >= scope.now - FRESH,
        )
        .order_by(col(models.Speech.created_at).desc(), col(models.Speech.id).desc())
        .limit(limit)
    )
    return [
        Sample(
            row.id,
            row.engine,
            row.voice,
            row.language,
            SpeechState(row.state),
            Message.from_json(row.reason) if row.reason else None,
        )
        for row in rows
    ]


def sound(scope: Scope, speech_id: UUID) -> tuple[UUID, bytes]:
    """Whose sample it is, and its sound (AAC in MP4).

    Raises NotFound for what is over or nobody's here, and where whoever the voice is copied from no longer agrees.
    """
    row = scope.session.get(models.Speech, (scope.tenant_id, speech_id))
    kept = scope.session.get(VoiceSample, (scope.tenant_id, speech_id))
    if row is None or kept is None:
        raise NotFound("speech.unknown")
    try:
        if row.person_id is not None:
            voices.check_agrees(scope, row.person_id)
    except Refused as error:
        raise NotFound("speech.unknown") from error
    return row.creator_id, kept.sound
