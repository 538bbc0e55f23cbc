"""What a person asks at the terminal about voices: which one a creator speaks with, and that a text is said."""

from uuid import UUID

from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.words import Message
from generators.speech import offered
from studio import speaking, voices
from workers.asking import ASKING
from workers.day import find
from workers.wiring import Services


def choose(
    services: Services, creator: str, *, engine: str, voice: str, person: UUID | None = None, agency: str = ""
) -> Message:
    """Let a creator speak with a voice of an engine; returns what was done. `person` is whom a copied voice belongs to.

    Raises NotFound for a creator, an engine or a voice nobody knows, and as `voices.choose`.
    """
    tenant_id, found = find(services, creator, agency)
    able = next((one for one in services.speech_engines() if one.name == engine), None)
    wanted = next((one for one in able.voices() if one.id == voice), None) if able is not None else None
    if able is None or wanted is None:
        raise NotFound("engine.no_voice", engine=engine, voice=voice)
    with services.tenant(tenant_id, ASKING) as scope:
        voices.choose(scope, found.id, offered(able, wanted), by=ASKING, person_id=person)
    told = {"creator": found.name, "voice": wanted.name, "licence": wanted.licence.name}
    return Message("cli.voice.taken", told)


def speak(services: Services, creator: str, words: str, *, language: str, agency: str = "") -> UUID:
    """Have a text said into the library of a creator, by the workers; returns the speech's id. Raises as
    `speaking.start`."""
    tenant_id, found = find(services, creator, agency)
    with services.tenant(tenant_id, ASKING) as scope:
        return speaking.start(
            scope,
            creator_id=found.id,
            words=words,
            language=language,
            key=str(uuid7()),
            by=ASKING,
            per_month=services.settings.generators.characters_per_month,
        )
