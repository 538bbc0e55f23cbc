"""The voice catalog: voices that an agency may choose, listed by workers and read by pages.

The account of a paid engine belongs to the installation, but a cloned voice in it belongs to one
agency. A cloned voice is therefore offered only if the installation has a single agency, or to an
agency that already uses it.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ids import derived_uuid
from foundation.outbox import outbox
from foundation.outbox.heartbeat import heartbeat
from generators.contract.engines import EngineError
from generators.contract.speech import (
    EngineVoice,
    OfferedVoice,
    SpeechEngine,
    VoiceLicence,
    offer_voice,
)
from studio.voice.events import VoiceCatalogDue
from studio.voice.models import VoiceListRow
from tenants.agencies import queries

VOICE_CATALOG_ACTOR = "system:voices"
PATIENCE = timedelta(minutes=2)
"""Duration after which a refresh without a result can be requested again."""

MAX_LISTED_VOICES = 300
"""Maximum number of voices listed per engine; further voices are available on the command line."""


@dataclass(frozen=True)
class VoiceCatalog:
    """The available voices and the reasons for missing ones; both empty before the first
    refresh."""

    offers: Sequence[OfferedVoice]
    missing: Sequence[Message]
    asked_at: datetime | None
    listed_at: datetime | None
    going: bool


EMPTY_CATALOG = VoiceCatalog((), (), None, None, going=False)


def request_voice_catalog(scope: Scope) -> None:
    """Request a refresh of the catalog, unless one is in progress."""
    row = _find_voice_list_row(scope)
    if row is not None and _is_listing_in_progress(row, scope.now):
        return
    row = row or VoiceListRow(
        tenant_id=scope.tenant_id, id=_voice_list_id(scope), asked_at=scope.now
    )
    row.asked_at = scope.now
    row.listed_at = None
    scope.add(row)
    outbox.put(scope, VoiceCatalogDue(scope.tenant_id, scope.tenant_id))


def get_voice_catalog(scope: Scope) -> VoiceCatalog:
    """Return the result of the last refresh."""
    row = _find_voice_list_row(scope)
    if row is None:
        return EMPTY_CATALOG
    return VoiceCatalog(
        [_offered_voice_from_json(one) for one in row.found],
        [Message.from_json(one) for one in row.missing],
        row.asked_at,
        row.listed_at,
        going=_is_listing_in_progress(row, scope.now),
    )


def get_offered_voice(scope: Scope, engine: str, voice: str) -> OfferedVoice:
    """Return a voice that this agency may choose. Raises NotFound for any other."""
    for one in get_voice_catalog(scope).offers:
        if (one.engine, one.voice.id) == (engine, voice):
            return one
    raise NotFound("engine.no_voice", engine=engine, voice=voice)


def refresh_voice_catalog(
    event: VoiceCatalogDue,
    *,
    tenant: OpenScope,
    engines: Callable[[], Sequence[SpeechEngine]],
    agencies: Callable[[], Sequence[UUID]],
) -> None:
    """List the voices of each engine; an engine that fails is recorded with its reason.

    `agencies` returns all agencies of the installation.
    """
    with heartbeat():
        offers, missing = _list_offered_voices(engines)
    single = _is_only_agency(tenant, event.tenant_id, agencies())
    with tenant(event.tenant_id, VOICE_CATALOG_ACTOR) as scope:
        own = _spoken_with(scope)
        free = [
            one
            for one in offers
            if single or not one.voice.cloned or (one.engine, one.voice.id) in own
        ]
        _record_voice_list(scope, free, missing)


def fail_voice_catalog(event: VoiceCatalogDue, *, tenant: OpenScope) -> None:
    """Record the failure of a refresh after its last attempt, so that the page stops waiting."""
    with tenant(event.tenant_id, VOICE_CATALOG_ACTOR) as scope:
        _record_voice_list(scope, [], [Message("voice.list_failed")])


def _list_offered_voices(
    engines: Callable[[], Sequence[SpeechEngine]],
) -> tuple[list[OfferedVoice], list[Message]]:
    offers = list[OfferedVoice]()
    missing = list[Message]()
    try:
        able = engines()
    except EngineError as error:
        return [], [error.message]
    for engine in able:
        try:
            offers += [
                offer_voice(engine, one)
                for one in engine.list_voices()
                if _is_supported_language(one)
            ][:MAX_LISTED_VOICES]
        except EngineError as error:
            missing.append(error.message)
    return offers, missing if able else [Message("doctor.no_voices")]


def _is_supported_language(voice: EngineVoice) -> bool:
    return not voice.language or voice.language.split("-")[0] in LANGUAGES


def _is_only_agency(tenant: OpenScope, tenant_id: UUID, agencies: Sequence[UUID]) -> bool:
    """Return True if there is no other agency, ignoring demo agencies."""
    for other in agencies:
        if other != tenant_id:
            with tenant(other, VOICE_CATALOG_ACTOR) as scope:
                if not queries.get_agency(scope).demo:
                    return False
    return True


def _spoken_with(scope: Scope) -> set[tuple[str, str]]:
    rows = scope.run(
        "SELECT engine, voice FROM creator_voices WHERE tenant_id = :tenant", tenant=scope.tenant_id
    )
    return {(row.engine, row.voice) for row in rows}


def _record_voice_list(
    scope: Scope, offers: Sequence[OfferedVoice], missing: Sequence[Message]
) -> None:
    row = _find_voice_list_row(scope) or VoiceListRow(
        tenant_id=scope.tenant_id, id=_voice_list_id(scope), asked_at=scope.now
    )
    row.found = [asdict(one) for one in offers]
    row.missing = [one.to_json() for one in missing]
    row.listed_at = scope.now
    scope.add(row)


def _is_listing_in_progress(row: VoiceListRow, now: datetime) -> bool:
    return row.listed_at is None and now - row.asked_at < PATIENCE


def _offered_voice_from_json(told: dict[str, Any]) -> OfferedVoice:
    voice = dict(told["voice"])
    return OfferedVoice(
        **(told | {"voice": EngineVoice(**(voice | {"licence": VoiceLicence(**voice["licence"])}))})
    )


def _voice_list_id(scope: Scope) -> UUID:
    return derived_uuid(scope.tenant_id, "voice list")


def _find_voice_list_row(scope: Scope) -> VoiceListRow | None:
    return scope.session.get(VoiceListRow, (scope.tenant_id, _voice_list_id(scope)))
