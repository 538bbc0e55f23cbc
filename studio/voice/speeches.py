"""Speeches: texts spoken with a creator's voice, requested once and counted before the request.

The row is marked as `asked` before the request to the engine. If the outcome of a paid request is
unknown, because its response was lost or the worker died, the speech is uncertain: it stays
counted, and only a member can repeat it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    JobTooLarge,
    UnusableAnswer,
)
from generators.contract.speech import GeneratedSpeech, SpeechEngine, SpeechJob, SpeechUncertain
from generators.provenance.content_credentials import LoadCredential
from studio.costs import quotas
from studio.ingest import pipeline
from studio.library import assets, models, storage_quota
from studio.recipes import prompt_rating
from studio.voice import creator_voices
from studio.voice.creator_voices import ChosenVoice
from studio.voice.events import SpeechDue
from studio.voice.models import SpeechRow, VoiceSampleRow
from studio.voice.states import SPEECH_STATES, SpeechState
from tenants.agencies import queries

SPEECH_ACTOR = "system:speaking"
PENDING_STATES = (str(SpeechState.WAITING), str(SpeechState.ASKED))
MAX_SAMPLE_BYTES = 2**20
"""Maximum size of a sample in bytes, about ninety seconds."""

Engines = Callable[[], Sequence[SpeechEngine]]
"""Returns the available engines, created on first use."""


def request_speech(
    scope: Scope,
    *,
    creator_id: UUID,
    words: str,
    language: str,
    key: str,
    by: str,
    per_month: int = 0,
) -> UUID:
    """Request a speech, once per `key`; return its ID. `by` is the actor.

    `per_month` is the installation's limit of characters, 0 for unlimited; a lower limit of the
    agency applies. Raises NotFound without a voice, BadInput, JobTooLarge, and Refused for
    prohibited texts, a cloned voice without consent, and beyond the limit.
    """
    job = SpeechJob(words, language=language)
    return store_speech(
        scope,
        creator_id,
        job,
        lambda: creator_voices.get_voice(scope, creator_id),
        key=key,
        by=by,
        per_month=per_month,
    )


def store_speech(
    scope: Scope,
    creator_id: UUID,
    job: SpeechJob,
    voice_of: Callable[[], ChosenVoice],
    *,
    key: str,
    by: str,
    per_month: int = 0,
    sample: bool = False,
) -> UUID:
    """Store a text to be spoken. `voice_of` returns the voice and is called while the lock is held.

    A `sample` is not added to the library. Raises the errors of `request_speech`.
    """
    assets.lock_library(scope, "speech")  # two concurrent requests could both pass the limit
    known = scope.session.exec(
        select(SpeechRow.id).where(SpeechRow.tenant_id == scope.tenant_id, SpeechRow.key == key)
    ).first()
    if known is not None:
        return known
    voice = voice_of()
    if voice.person_id is not None:
        creator_voices.check_voice_consent(scope, voice.person_id)
    rating = prompt_rating.rate_text(scope, [job.text], "model.speech")
    cost = len(job.clean_text) if voice.bills else 0
    most = character_limit(scope, per_month=per_month)
    if cost and most is not None and used_characters(scope) + cost > most:
        raise Refused("speech.over", used=used_characters(scope), most=most)
    row = SpeechRow(
        tenant_id=scope.tenant_id,
        creator_id=creator_id,
        key=key,
        words=job.text,
        language=job.language,
        rating=str(rating),
        engine=voice.engine,
        voice=voice.voice,
        licence=asdict(voice.licence),
        person_id=voice.person_id,
        by=by,
        characters=cost,
        sample=sample,
    )
    scope.add(row)
    outbox.put(scope, SpeechDue(scope.tenant_id, row.id))
    return row.id


@dataclass(frozen=True)
class SpeechView:
    """The state of a text, with its audio or the reason for its absence."""

    id: UUID
    words: str
    state: SpeechState
    reason: Message | None
    asset_id: UUID | None


def list_recent_speeches(
    scope: Scope, creator_id: UUID, *, since: datetime, limit: int = 6
) -> list[SpeechView]:
    """Return a creator's waiting texts and those changed since an instant, newest first."""
    rows = scope.session.exec(
        select(SpeechRow)
        .where(
            SpeechRow.tenant_id == scope.tenant_id,
            SpeechRow.creator_id == creator_id,
            ~col(SpeechRow.sample),
            (col(SpeechRow.updated_at) >= since) | col(SpeechRow.state).in_(PENDING_STATES),
        )
        .order_by(col(SpeechRow.created_at).desc())
        .limit(limit)
    )
    return [speech_view(row) for row in rows]


def speech_view(row: SpeechRow) -> SpeechView:
    """Return the view of a speech from its row."""
    reason = Message.from_json(row.reason) if row.reason else None
    return SpeechView(row.id, row.words, SpeechState(row.state), reason, row.asset_id)


def synthesize_speech(
    event: SpeechDue,
    *,
    tenant: OpenScope,
    engines: Engines,
    store: ObjectStore,
    credential: LoadCredential,
) -> None:
    """Speak a text and ingest the audio.

    If nothing was produced or billed, the error is raised so that the speech is retried.
    """
    with heartbeat() as pulse:
        able = engines()  # an unusable engine raises here, before the row is marked as asked
        row = _claim_speech(event, tenant)
        if row is None:
            return
        said = _synthesize_speech(event, tenant, _find_engine(able, row.engine), row)
        if said is None:
            return
        pulse.check_lease()
        if row.sample:
            return _keep_sample(event, tenant, said, cost=said.characters if row.characters else 0)
        key = f"speech:{row.id}"
        prepared = pipeline.prepare_speech(
            said,
            key=key,
            words=row.words,
            credential=credential(),
            declared=Rating(row.rating),
            voice_of=row.person_id,
        )
        try:
            with tenant(event.tenant_id, SPEECH_ACTOR) as scope:
                storage_quota.check_storage(scope, store.quota_bytes, len(prepared.data))
        except storage_quota.StorageFull as error:
            return _record_speech_outcome(event, tenant, SpeechState.FAILED, error.message)
        asset = pipeline.ingest_asset(
            tenant, store, tenant_id=row.tenant_id, creator_id=row.creator_id, prepared=prepared
        )
        cost = said.characters if row.characters else 0
        _record_speech_outcome(event, tenant, SpeechState.MADE, asset_id=asset, characters=cost)


def fail_speech(event: SpeechDue, *, tenant: OpenScope) -> None:
    """Fail a speech after its last attempt. A request without a known outcome becomes uncertain."""
    with tenant(event.tenant_id, SPEECH_ACTOR) as scope:
        state = _get_speech_row(scope, event.subject_id).state
    if state == SpeechState.WAITING:
        _record_speech_outcome(
            event, tenant, SpeechState.FAILED, Message("speech.gave_up"), characters=0
        )
    elif state == SpeechState.ASKED:
        _record_speech_outcome(event, tenant, SpeechState.UNCERTAIN, Message("speech.lost"))


def character_limit(scope: Scope, *, per_month: int = 0) -> int | None:
    """Return the monthly limit of characters: the lower of the agency's and the installation's, or
    None for unlimited."""
    found = [
        each for each in (quotas.character_quota(scope), per_month or None) if each is not None
    ]
    return min(found, default=None)


def used_characters(scope: Scope) -> int:
    """Return the characters reserved, billed or possibly billed in the agency's current month."""
    return int(
        scope.run(
            "SELECT coalesce(sum(characters), 0) FROM speeches WHERE tenant_id = :tenant AND "
            "created_at >= :since",
            tenant=scope.tenant_id,
            since=month_start(ZoneInfo(queries.get_agency(scope).zone), scope.now),
        ).scalar_one()
    )


def month_start(zone: ZoneInfo, now: datetime) -> datetime:
    """Return the start of the month of `now` in a time zone, UTC-aware."""
    first = now.astimezone(zone).date().replace(day=1)
    return datetime.combine(first, time(), zone).astimezone(UTC)


def _claim_speech(event: SpeechDue, tenant: OpenScope) -> SpeechRow | None:
    """Mark a speech as asked and return its row, or None if it is settled."""
    with tenant(event.tenant_id, SPEECH_ACTOR) as scope:
        row = _get_speech_row(scope, event.subject_id, lock=True)
        there = _find_speech_asset(scope, row)
        if row.state in (SpeechState.MADE, SpeechState.FAILED, SpeechState.UNCERTAIN):
            return None
        if row.state == SpeechState.ASKED and there is not None:
            _change_speech_state(scope, row, SpeechState.MADE, asset_id=there)
            return None
        # A paid request without a result may have been billed; a free one is repeated.
        if row.state == SpeechState.ASKED and row.characters:
            _change_speech_state(scope, row, SpeechState.UNCERTAIN, Message("speech.lost"))
            return None
        try:
            if row.person_id is not None:  # consent may have been withdrawn since the request
                creator_voices.check_voice_consent(scope, row.person_id)
        except Refused as error:
            _change_speech_state(scope, row, SpeechState.FAILED, error.message, characters=0)
            return None
        if row.state == SpeechState.WAITING:
            _change_speech_state(scope, row, SpeechState.ASKED)
    return row


def _synthesize_speech(
    event: SpeechDue, tenant: OpenScope, engine: SpeechEngine | None, row: SpeechRow
) -> GeneratedSpeech | None:
    """Return the audio, or None after recording a failure. Raises EngineUnreachable if no request
    was sent."""
    if engine is None:
        gone = Message("engine.no_voice", {"engine": row.engine, "voice": row.voice})
        _record_speech_outcome(event, tenant, SpeechState.FAILED, gone, characters=0)
        return None
    try:
        return engine.synthesize(
            SpeechJob(row.words, language=row.language, voice=row.voice, seed=row.id.int % 2**32)
        )
    except SpeechUncertain as error:
        _record_speech_outcome(event, tenant, SpeechState.UNCERTAIN, error.message)
    except UnusableAnswer as error:  # billed nevertheless
        _record_speech_outcome(event, tenant, SpeechState.FAILED, error.message)
    except (EngineMissing, JobTooLarge) as error:
        _record_speech_outcome(event, tenant, SpeechState.FAILED, error.message, characters=0)
    except EngineUnreachable:
        _record_speech_outcome(event, tenant, SpeechState.WAITING)
        raise
    return None


def _keep_sample(event: SpeechDue, tenant: OpenScope, said: GeneratedSpeech, *, cost: int) -> None:
    if len(said.data) > MAX_SAMPLE_BYTES:
        unlike = Message("engine.answer_invalid", {"engine": said.engine})
        return _record_speech_outcome(event, tenant, SpeechState.FAILED, unlike)
    with tenant(event.tenant_id, SPEECH_ACTOR) as scope:
        row = _get_speech_row(scope, event.subject_id, lock=True)
        scope.add(
            VoiceSampleRow(
                tenant_id=row.tenant_id, id=row.id, creator_id=row.creator_id, sound=said.data
            )
        )
        _change_speech_state(scope, row, SpeechState.MADE, characters=cost)


def _find_engine(able: Sequence[SpeechEngine], name: str) -> SpeechEngine | None:
    return next((engine for engine in able if engine.name == name), None)


def _record_speech_outcome(
    event: SpeechDue,
    tenant: OpenScope,
    state: SpeechState,
    reason: Message | None = None,
    *,
    asset_id: UUID | None = None,
    characters: int | None = None,
) -> None:
    with tenant(event.tenant_id, SPEECH_ACTOR) as scope:
        row = _get_speech_row(scope, event.subject_id, lock=True)
        _change_speech_state(scope, row, state, reason, asset_id=asset_id, characters=characters)


def _change_speech_state(
    scope: Scope,
    row: SpeechRow,
    state: SpeechState,
    reason: Message | None = None,
    *,
    asset_id: UUID | None = None,
    characters: int | None = None,
) -> None:
    """Change the state of a speech. Without `characters`, the reserved number still counts."""
    SPEECH_STATES.check(SpeechState(row.state), state)
    row.state = str(state)
    row.reason = stored_message(reason)
    row.asset_id = asset_id
    row.characters = row.characters if characters is None else characters
    scope.add(row)


def _find_speech_asset(scope: Scope, row: SpeechRow) -> UUID | None:
    """Return the asset of a speech whose worker died between ingest and the update of the row."""
    return scope.session.exec(
        select(models.CreationRow.asset_id).where(
            models.CreationRow.tenant_id == scope.tenant_id,
            models.CreationRow.creator_id == row.creator_id,
            models.CreationRow.source_key == f"speech:{row.id}",
        )
    ).first()


def _get_speech_row(scope: Scope, speech_id: UUID, *, lock: bool = False) -> SpeechRow:
    row = scope.session.get(SpeechRow, (scope.tenant_id, speech_id), with_for_update=lock or None)
    if row is None:
        raise NotFound("speech.unknown")
    return row
