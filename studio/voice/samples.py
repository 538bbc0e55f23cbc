"""Voice samples: a short sentence in a voice, stored for a day outside the library.

A sample is a speech like any other: its characters count as paid, and it is uncertain if its
response was lost.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message, render_message
from generators.contract.speech import OfferedVoice, SpeechJob
from studio.voice import creator_voices, speeches
from studio.voice.models import SpeechRow, VoiceSampleRow
from studio.voice.states import SpeechState
from tenants.agencies import queries

SAMPLE_TEXT = Message("voice.sample_words")
SAMPLE_LIFETIME = timedelta(days=1)


@dataclass(frozen=True)
class VoiceSampleView:
    """A requested voice sample."""

    id: UUID
    engine: str
    voice: str
    language: str
    state: SpeechState
    reason: Message | None


def request_sample(
    scope: Scope,
    creator_id: UUID,
    wanted: OfferedVoice,
    *,
    language: str,
    key: str,
    by: str,
    person_id: UUID | None = None,
    per_month: int = 0,
) -> UUID:
    """Request a sample of a voice in a language, once per `key`; return the speech ID.

    Raises the errors of `creator_voices.check_voice_allowed` and `speeches.request_speech`.
    """
    queries.get_creator(scope, creator_id)  # raises NotFound for another tenant's creator
    voice = creator_voices.check_voice_allowed(scope, wanted, person_id)
    return speeches.store_speech(
        scope,
        creator_id,
        SpeechJob(render_message(SAMPLE_TEXT, language), language=language),
        lambda: voice,
        key=key,
        by=by,
        per_month=per_month,
        sample=True,
    )


def list_recent_samples(scope: Scope, creator_id: UUID, *, limit: int = 4) -> list[VoiceSampleView]:
    """Return the samples requested within `SAMPLE_LIFETIME`, newest first."""
    rows = scope.session.exec(
        select(SpeechRow)
        .where(
            SpeechRow.tenant_id == scope.tenant_id,
            SpeechRow.creator_id == creator_id,
            col(SpeechRow.sample),
            col(SpeechRow.created_at) >= scope.now - SAMPLE_LIFETIME,
        )
        .order_by(col(SpeechRow.created_at).desc(), col(SpeechRow.id).desc())
        .limit(limit)
    )
    return [
        VoiceSampleView(
            row.id,
            row.engine,
            row.voice,
            row.language,
            SpeechState(row.state),
            Message.from_json(row.reason) if row.reason else None,
        )
        for row in rows
    ]


def sample_audio(scope: Scope, speech_id: UUID) -> tuple[UUID, bytes]:
    """Return the creator and the audio (AAC in MP4) of a sample.

    Raises NotFound for an expired or unknown sample, and if the speaker of a cloned voice has
    withdrawn consent.
    """
    row = scope.session.get(SpeechRow, (scope.tenant_id, speech_id))
    kept = scope.session.get(VoiceSampleRow, (scope.tenant_id, speech_id))
    if row is None or kept is None:
        raise NotFound("speech.unknown")
    try:
        if row.person_id is not None:
            creator_voices.check_voice_consent(scope, row.person_id)
    except Refused as error:
        raise NotFound("speech.unknown") from error
    return row.creator_id, kept.sound
