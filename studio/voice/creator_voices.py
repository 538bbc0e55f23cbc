"""Voices of creators: the chosen voice, its licence and, for a cloned voice, the consent of its
speaker.

Consent is checked whenever the voice is used, and again by the gate before its audio is published.
"""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from gate.consent.grants import has_ai_consent
from gate.contract.states import PersonState
from gate.people import persons
from generators.contract.speech import OfferedVoice, VoiceLicence
from studio.library import assets
from studio.voice.models import CreatorVoiceRow
from studio.voice.states import SpeechState
from tenants import audit
from tenants.agencies import queries


@dataclass(frozen=True)
class ChosenVoice:
    """The recorded voice of a creator. `label` is empty for a real engine, and `person_id` is the
    speaker of a cloned voice."""

    engine: str
    voice: str
    name: str
    label: str
    licence: VoiceLicence
    bills: bool
    person_id: UUID | None


def choose_voice(
    scope: Scope, creator_id: UUID, wanted: OfferedVoice, *, by: str, person_id: UUID | None = None
) -> None:
    """Set the voice of a creator, and record its current licence; `by` is the actor.

    Raises the errors of `check_voice_allowed`; NotFound for an unknown creator.
    """
    queries.get_creator(scope, creator_id)  # raises NotFound for another tenant's creator
    told = asdict(check_voice_allowed(scope, wanted, person_id)) | {"by": by}
    row = _find_voice_row(scope, creator_id) or CreatorVoiceRow(
        tenant_id=scope.tenant_id,
        id=_voice_row_id(scope, creator_id),
        creator_id=creator_id,
        **told,
    )
    for name, value in told.items():
        setattr(row, name, value)
    scope.add(row)
    audit.record(scope, "voice.choose", f"creator:{creator_id}")


def check_voice_allowed(scope: Scope, wanted: OfferedVoice, person_id: UUID | None) -> ChosenVoice:
    """Return a voice as it would be recorded; `person_id` is the speaker of a cloned voice.

    Raises Refused for a licence without commercial use, and for a cloned voice without a named and
    consenting speaker; NotFound for an unknown person.
    """
    voice = wanted.voice
    if voice.licence.commercial is False:
        raise Refused("voice.not_commercial", voice=voice.name)
    if voice.cloned and person_id is None:
        raise Refused("voice.whose", voice=voice.name)
    if person_id is not None:
        check_voice_consent(scope, person_id)
    return ChosenVoice(
        wanted.engine, voice.id, voice.name, wanted.label, voice.licence, wanted.bills, person_id
    )


def remove_voice(scope: Scope, creator_id: UUID) -> None:
    """Remove the voice of a creator; waiting texts then fail. Raises NotFound without a voice.

    Existing audio remains in the library with its recorded licence.
    """
    assets.lock_library(scope, "speech")  # a concurrent request finds no voice after this
    row = _find_voice_row(scope, creator_id)
    if row is None:
        raise NotFound("voice.none")
    scope.session.delete(row)
    scope.run(
        "UPDATE speeches SET state = :failed, reason = CAST(:reason AS jsonb), characters = 0, "
        "updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND state = :waiting AND NOT sample",
        failed=str(SpeechState.FAILED),
        reason=json.dumps(stored_message(Message("voice.retired"))),
        tenant=scope.tenant_id,
        creator=creator_id,
        waiting=str(SpeechState.WAITING),
    )
    audit.record(scope, "voice.retire", f"creator:{creator_id}")


def voices_of_creators(scope: Scope, creators: Collection[UUID]) -> dict[UUID, ChosenVoice]:
    """Return the voices of creators, without those that have none."""
    rows = scope.session.exec(
        select(CreatorVoiceRow).where(
            CreatorVoiceRow.tenant_id == scope.tenant_id,
            col(CreatorVoiceRow.creator_id).in_(list(creators)),
        )
    )
    return {row.creator_id: _voice_from_row(row) for row in rows}


def get_voice(scope: Scope, creator_id: UUID) -> ChosenVoice:
    """Return the voice of a creator. Raises NotFound without one."""
    row = _find_voice_row(scope, creator_id)
    if row is None:
        raise NotFound("voice.none")
    return _voice_from_row(row)


def check_voice_consent(scope: Scope, person_id: UUID) -> None:
    """Raise Refused unless this is an active, real person who consents to AI generation."""
    person = persons.get_person(scope, person_id)
    if (
        person.kind != persons.REAL_PERSON
        or person.state != PersonState.ACTIVE
        or not has_ai_consent(scope, person_id)
    ):
        raise Refused("voice.not_allowed")


def _voice_from_row(row: CreatorVoiceRow) -> ChosenVoice:
    return ChosenVoice(
        row.engine,
        row.voice,
        row.name,
        row.label,
        VoiceLicence(**row.licence),
        row.bills,
        row.person_id,
    )


def _voice_row_id(scope: Scope, creator_id: UUID) -> UUID:
    return derived_uuid(scope.tenant_id, "voice", creator_id)


def _find_voice_row(scope: Scope, creator_id: UUID) -> CreatorVoiceRow | None:
    return scope.session.get(CreatorVoiceRow, (scope.tenant_id, _voice_row_id(scope, creator_id)))
