"""What a person asks at the terminal about voices: which one a creator speaks with, and that a text
is said.

The voices that can speak here, as a table for the terminal and for programs.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from uuid import UUID

from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import EngineMissing
from generators.contract.speech import offer_voice
from studio.voice import creator_voices, speeches
from workers.terminal.lookup import TERMINAL_ACTOR, find_creator
from workers.terminal.output import translate
from workers.wiring import Services


def assign_voice(
    services: Services,
    creator: str,
    *,
    engine: str,
    voice: str,
    person: UUID | None = None,
    agency: str = "",
) -> Message:
    """Let a creator speak with a voice of an engine; returns what was done. `person` is whom a
    copied voice belongs to.

    Raises NotFound for a creator, an engine or a voice nobody knows, and as
    `creator_voices.choose_voice`.
    """
    tenant_id, found = find_creator(services, creator, agency)
    able = next((one for one in services.speech_engines() if one.name == engine), None)
    wanted = (
        next((one for one in able.list_voices() if one.id == voice), None)
        if able is not None
        else None
    )
    if able is None or wanted is None:
        raise NotFound("engine.no_voice", engine=engine, voice=voice)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        creator_voices.choose_voice(
            scope, found.id, offer_voice(able, wanted), by=TERMINAL_ACTOR, person_id=person
        )
    told = {"creator": found.name, "voice": wanted.name, "licence": wanted.licence.name}
    return Message("cli.voice.taken", told)


def request_speech_file(
    services: Services, creator: str, words: str, *, language: str, agency: str = ""
) -> UUID:
    """Have a text said into the library of a creator, by the workers; returns the speech's id.
    Raises as `speeches.request_speech`."""
    tenant_id, found = find_creator(services, creator, agency)
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        return speeches.request_speech(
            scope,
            creator_id=found.id,
            words=words,
            language=language,
            key=str(uuid7()),
            by=TERMINAL_ACTOR,
            per_month=services.settings.generators.characters_per_month,
        )


@dataclass(frozen=True)
class VoiceRow:
    """One voice. `label` is empty for a real one; `commercial` None where nobody says whether it
    may earn money."""

    engine: str
    label: str
    voice: str
    name: str
    language: str
    cloned: bool
    licence: str
    owner: str
    source: str
    commercial: bool | None


def voice_rows(settings: GeneratorsSettings, language: str = "") -> list[VoiceRow]:
    """Every voice, or those of a language. Raises EngineMissing without an engine, and what an
    engine raises."""
    engines = registry.load_speech_engines(settings)
    if not engines:
        raise EngineMissing("doctor.no_voices")
    return [
        VoiceRow(
            engine.name,
            str(engine.label),
            voice.id,
            voice.name,
            voice.language,
            voice.cloned,
            voice.licence.name,
            voice.licence.owner,
            voice.licence.source,
            voice.licence.commercial,
        )
        for engine in engines
        for voice in engine.list_voices()
        if language in ("", voice.language, voice.language.split("-")[0]) or not voice.language
    ]


def voices_as_json(found: Sequence[VoiceRow]) -> str:
    """One object a voice."""
    return json.dumps([asdict(line) for line in found], indent=2, ensure_ascii=False)


def render_voices(found: Sequence[VoiceRow], language: str = "") -> str:
    """One line a voice; a marked engine says so on each. Where none speaks `language`, a sentence
    that says it."""
    if not found:
        return translate(Message("cli.voices.none", {"language": language or "-"}))
    marked = translate(Message("cli.voices.marked"))
    rows = (
        f"{one.engine:<12} {one.voice:<24} {one.language or '-':<8} {one.name:<34} {one.licence}"
        + (f"  {marked}" if one.label else "")
        for one in found
    )
    return "\n".join(rows)
