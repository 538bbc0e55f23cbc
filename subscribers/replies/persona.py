"""Personas that answer for a creator: immutable versions, one of them active."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import UUID

from sqlmodel import select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from subscribers.replies.models import Persona
from subscribers.replies.opening_hours import OpeningHours

AutonomyLevel = Literal["copilot", "autopilot"]
"""Autonomy of a persona. With `copilot`, a member approves each reply; with `autopilot`, replies
are sent automatically."""

MAX_TONE = 200
"""Maximum number of characters of a persona's voice that serve as a default tone."""

ALWAYS_FORBIDDEN = (
    "minors",
    "meeting in person",
    "payment outside this chat",
    "medical, legal or financial advice",
    "coercion",
    "illegal acts",
)


@dataclass(frozen=True)
class PersonaExample:
    """An example of a fan's message and the persona's answer."""

    fan: str
    answer: str


@dataclass(frozen=True)
class PersonaVersion:
    """A version of a persona. With `virtual`, the character itself is an AI; otherwise it is the AI
    assistant of a human creator's team."""

    name: str
    virtual: bool
    card: str
    voice: str
    languages: tuple[str, ...]
    level: AutonomyLevel = "copilot"
    examples: tuple[PersonaExample, ...] = ()
    rules: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    opening_hours: tuple[OpeningHours, ...] = ()

    def speaks(self, language: str) -> bool:
        """Return True if the persona answers in this language ("fr" or "en") by itself. Without
        listed languages it answers in all."""
        listed = {one.casefold().replace("_", "-").partition("-")[0] for one in self.languages}
        return not listed or language in listed

    def digest(self) -> str:
        """Return the SHA-256 of all fields except the level."""
        content = asdict(self)
        del content["level"], content["opening_hours"]
        return hashlib.sha256(canonical_json(content)).hexdigest()


@dataclass(frozen=True)
class WritingStyle:
    """The style of a creator's texts: a short form of the persona's voice and its forbidden topics;
    empty without a persona."""

    card: str = ""
    tone: str = ""
    forbidden: tuple[str, ...] = ()


def writing_style_of_creator(scope: Scope, creator_id: UUID) -> WritingStyle:
    """Return the writing style of a creator, from the active persona."""
    voice = active_persona(scope, creator_id)
    if voice is None:
        return WritingStyle()
    return WritingStyle(voice.card, " ".join(voice.voice.split())[:MAX_TONE], voice.forbidden)


def create_persona_version(scope: Scope, creator_id: UUID, persona: PersonaVersion) -> UUID:
    """Create a new version of a creator's persona as a draft. Return its ID."""
    last = scope.run(
        "SELECT coalesce(max(version), 0) FROM personas WHERE tenant_id = :tenant AND creator_id "
        "= :creator",
        tenant=scope.tenant_id,
        creator=creator_id,
    ).scalar_one()
    row = Persona(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        creator_id=creator_id,
        version=last + 1,
        state="draft",
        level=persona.level,
        virtual=persona.virtual,
        name=persona.name,
        card=persona.card,
        voice=persona.voice,
        examples=[asdict(example) for example in persona.examples],
        rules=list(persona.rules),
        forbidden=list(persona.forbidden),
        languages=list(persona.languages),
        digest=persona.digest(),
    )
    scope.add(row)
    return row.id


def activate_persona(scope: Scope, persona_id: UUID) -> None:
    """Activate a version and retire the previous one. Raises NotFound, or Conflict for a retired
    version."""
    row = scope.session.get(Persona, (scope.tenant_id, persona_id))
    if row is None:
        raise NotFound("persona.unknown")
    if row.state == "retired":
        raise Conflict("persona.retired", version=row.version)
    scope.run(
        "UPDATE personas SET state = 'retired', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active' AND id <> :id",
        tenant=scope.tenant_id,
        creator=row.creator_id,
        id=persona_id,
    )
    row.state = "active"
    scope.add(row)


def set_autonomy_level(scope: Scope, creator_id: UUID, level: AutonomyLevel) -> None:
    """Set the autonomy level of the active persona."""
    scope.run(
        "UPDATE personas SET level = :level, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active'",
        tenant=scope.tenant_id,
        creator=creator_id,
        level=level,
    )


def active_persona(scope: Scope, creator_id: UUID) -> PersonaVersion | None:
    """Return the active persona of a creator. Without one (None), members answer."""
    row = scope.session.exec(
        select(Persona)
        .where(
            Persona.tenant_id == scope.tenant_id,
            Persona.creator_id == creator_id,
            Persona.state == "active",
        )
        .execution_options(populate_existing=True)
    ).one_or_none()
    return _version_from_row(row) if row is not None else None


def _version_from_row(row: Persona) -> PersonaVersion:
    level: AutonomyLevel = "autopilot" if row.level == "autopilot" else "copilot"
    return PersonaVersion(
        name=row.name,
        virtual=row.virtual,
        card=row.card,
        voice=row.voice,
        languages=tuple(row.languages),
        level=level,
        examples=_parse_examples(row.examples),
        rules=tuple(row.rules),
        forbidden=tuple(row.forbidden),
    )


def _parse_examples(stored: Sequence[dict[str, str]]) -> tuple[PersonaExample, ...]:
    return tuple(PersonaExample(example["fan"], example["answer"]) for example in stored)
