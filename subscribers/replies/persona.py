"""Personas that answer for a creator: immutable versions, one of them active.

A draft is a version that was never active. A retired version is restored as a new version.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from subscribers.replies import autonomy
from subscribers.replies.autonomy import AutonomyLevel
from subscribers.replies.models import Persona, ScriptTest
from subscribers.replies.opening_hours import OpeningHours, parse_opening_hours
from tenants import audit

SalesStyle = Literal["none", "on_request", "active"]
SALES_STYLES: tuple[SalesStyle, ...] = ("none", "on_request", "active")
"""Rules for offers of packs: never, only if the fan asks, or always if one fits."""

_CHARACTER = re.compile(r"\{\{char\}\}", re.IGNORECASE)
_USER = re.compile(r"\{\{user\}\}", re.IGNORECASE)

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
class LorebookEntry:
    """Background that the prompt includes when a recent message contains one of `keys`.

    Keys are plain words, never patterns.
    """

    keys: tuple[str, ...]
    content: str
    enabled: bool = True


@dataclass(frozen=True)
class PersonaVersion:
    """A version of a persona. With `virtual`, the character itself is an AI; otherwise it is the AI
    assistant of a human creator's team.

    `suggestions` are the style instructions of an imported card; they rank below all rules.
    """

    name: str
    virtual: bool
    card: str
    voice: str
    languages: tuple[str, ...]
    level: AutonomyLevel = "copilot"
    examples: tuple[PersonaExample, ...] = ()
    rules: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    greeting: str = ""
    opening_hours: tuple[OpeningHours, ...] = ()
    sales_style: SalesStyle = "active"
    suggestions: str = ""
    lorebook: tuple[LorebookEntry, ...] = ()

    @property
    def is_empty(self) -> bool:
        """True if the persona has a name at most, and nothing that shapes an answer."""
        texts = (self.card, self.voice, self.greeting, self.suggestions)
        lists = (self.examples, self.rules, self.forbidden, self.lorebook)
        return not any(text.strip() for text in texts) and not any(lists)

    def speaks(self, language: str) -> bool:
        """Return True if the persona answers in this language ("fr" or "en") by itself. Without
        listed languages it answers in all."""
        listed = {one.casefold().replace("_", "-").partition("-")[0] for one in self.languages}
        return not listed or language in listed

    @property
    def is_described(self) -> bool:
        """Return True if the version says more than name and languages: how the persona speaks."""
        return bool(self.voice.strip() or self.rules or self.examples or self.suggestions.strip())

    def content(self) -> dict[str, Any]:
        """Return all fields except the level, as JSON values."""
        found = asdict(self)
        del found["level"]
        found["opening_hours"] = [one.to_json() for one in self.opening_hours]
        return found

    def digest(self) -> str:
        """Return the SHA-256 of all fields except the level."""
        return hashlib.sha256(canonical_json(self.content())).hexdigest()


CONTENT_FIELDS = tuple(one.name for one in fields(PersonaVersion) if one.name != "level")


@dataclass(frozen=True)
class PersonaSummary:
    """A stored version. `state` is draft, active or retired; `saved_at` is UTC-aware."""

    id: UUID
    version: int
    state: str
    saved_at: datetime
    persona: PersonaVersion


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


def default_persona(name: str, kind: str, languages: Sequence[str]) -> PersonaVersion:
    """Return the persona with which a form begins: the name, kind and languages of the creator."""
    spoken = tuple(one for one in languages if one in LANGUAGES) or LANGUAGES[:1]
    return PersonaVersion(
        name=name,
        virtual=kind == "virtual",
        card="",
        voice="",
        languages=spoken,
        sales_style="on_request",
    )


def create_persona_version(
    scope: Scope, creator_id: UUID, persona: PersonaVersion, *, key: UUID | None = None
) -> UUID:
    """Create a new version of a creator's persona as a draft, at most once for each `key`. Return
    its ID, or that of the newest version if that is in use or a draft and has the same content.

    Raises BadInput for a persona that says nothing.
    """
    scope.lock(f"persona:{creator_id}")
    if key is not None and scope.session.get(Persona, (scope.tenant_id, key)) is not None:
        return key
    if persona.is_empty:
        raise BadInput("persona.empty")
    newest = scope.session.exec(
        select(Persona)
        .where(Persona.tenant_id == scope.tenant_id, Persona.creator_id == creator_id)
        .order_by(col(Persona.version).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if newest is not None and newest.state != "retired" and newest.digest == persona.digest():
        return newest.id
    row = Persona(
        tenant_id=scope.tenant_id,
        id=key or uuid7(),
        creator_id=creator_id,
        version=newest.version + 1 if newest is not None else 1,
        state="draft",
        level=persona.level,
        digest=persona.digest(),
        **_row_values(persona),
    )
    scope.add(row)
    audit.record(
        scope, "persona.saved", f"creator:{creator_id}", version=row.version, digest=row.digest
    )
    return row.id


def _row_values(persona: PersonaVersion) -> dict[str, Any]:
    found = persona.content()
    for name in ("examples", "rules", "forbidden", "languages", "lorebook"):
        found[name] = list(found[name])
    return found


def activate_persona(scope: Scope, persona_id: UUID, *, keep_level: bool = False) -> None:
    """Activate a version and retire the previous one. A version with another content falls back to
    `copilot`, unless `keep_level` is True: for a brief that the operator of the installation wrote.

    Raises NotFound, or Conflict for a retired version and while a test of scripts runs.
    """
    row = scope.session.get(Persona, (scope.tenant_id, persona_id))
    if row is None:
        raise NotFound("persona.unknown")
    scope.lock(f"persona:{row.creator_id}")
    scope.session.get(Persona, (scope.tenant_id, persona_id), populate_existing=True)
    if row.state == "retired":
        raise Conflict("persona.retired", version=row.version)
    if row.state == "active":
        return
    if has_running_script_test(scope, row.creator_id):
        raise Conflict("scripts.running")
    before = _find_active_row(scope, row.creator_id)
    scope.run(
        "UPDATE personas SET state = 'retired', updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active' AND id <> :id",
        tenant=scope.tenant_id,
        creator=row.creator_id,
        id=persona_id,
    )
    row.state = "active"
    scope.add(row)
    audit.record(
        scope,
        "persona.activated",
        f"creator:{row.creator_id}",
        version=row.version,
        before=before.version if before is not None else 0,
    )
    if before is None:
        _record_first_level(scope, row)
    elif not keep_level:
        _inherit_level(scope, row, before)


def has_running_script_test(scope: Scope, creator_id: UUID) -> bool:
    """Return True while versions of a creator's persona are compared with each other."""
    query = select(ScriptTest.id).where(
        ScriptTest.tenant_id == scope.tenant_id,
        ScriptTest.creator_id == creator_id,
        col(ScriptTest.ended_at).is_(None),
    )
    return scope.session.exec(query).first() is not None


def _record_first_level(scope: Scope, row: Persona) -> None:
    """Record a first level above `copilot`, which needs no evidence."""
    level = autonomy.parse_level(row.level)
    if autonomy.is_raise("copilot", level):
        autonomy.record_change(
            scope, row.creator_id, "copilot", level, reason="first", version=row.version
        )


def _inherit_level(scope: Scope, row: Persona, before: Persona) -> None:
    """Give a version the level of its predecessor, lowered if its content is new."""
    level = autonomy.parse_level(before.level)
    row.level = level
    if row.digest != before.digest and autonomy.is_raise("copilot", level):
        row.level = "copilot"
        autonomy.record_change(
            scope, row.creator_id, level, "copilot", reason="version", version=row.version
        )
        autonomy.report_fallback(scope, row.creator_id, level, "version")
    scope.add(row)


def restore_persona(scope: Scope, persona_id: UUID, *, key: UUID | None = None) -> UUID:
    """Create a draft with the content of an earlier version, at most once for each `key`. Return
    its ID. Raises NotFound."""
    found = get_persona(scope, persona_id)
    row = scope.session.get(Persona, (scope.tenant_id, persona_id))
    if row is None:
        raise NotFound("persona.unknown")
    return create_persona_version(scope, row.creator_id, found.persona, key=key)


def set_autonomy_level(scope: Scope, creator_id: UUID, level: AutonomyLevel) -> None:
    """Set the autonomy level of the active persona without evidence, for the first level of a new
    agency. Members use `autonomy.change_autonomy`."""
    scope.run(
        "UPDATE personas SET level = :level, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND creator_id = :creator AND state = 'active'",
        tenant=scope.tenant_id,
        creator=creator_id,
        level=level,
    )


def active_persona(scope: Scope, creator_id: UUID) -> PersonaVersion | None:
    """Return the active persona of a creator. Without one (None), members answer."""
    row = _find_active_row(scope, creator_id)
    return _version_from_row(row) if row is not None else None


def creators_with_described_persona(scope: Scope, creators: Collection[UUID]) -> set[UUID]:
    """Return those of these creators whose active persona says how it speaks."""
    rows = scope.session.exec(
        select(Persona).where(
            Persona.tenant_id == scope.tenant_id,
            col(Persona.creator_id).in_(list(creators)),
            Persona.state == "active",
        )
    ).all()
    return {row.creator_id for row in rows if _version_from_row(row).is_described}


def _find_active_row(scope: Scope, creator_id: UUID) -> Persona | None:
    return scope.session.exec(
        select(Persona)
        .where(
            Persona.tenant_id == scope.tenant_id,
            Persona.creator_id == creator_id,
            Persona.state == "active",
        )
        .execution_options(populate_existing=True)
    ).one_or_none()


def get_persona(scope: Scope, persona_id: UUID) -> PersonaSummary:
    """Return a stored version. Raises NotFound."""
    row = scope.session.get(Persona, (scope.tenant_id, persona_id))
    if row is None:
        raise NotFound("persona.unknown")
    return _summary_from_row(scope, row)


def list_personas(scope: Scope, creator_id: UUID, *, limit: int = 50) -> list[PersonaSummary]:
    """Return the versions of a creator's persona, newest first."""
    rows = scope.session.exec(
        select(Persona)
        .where(Persona.tenant_id == scope.tenant_id, Persona.creator_id == creator_id)
        .order_by(col(Persona.version).desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_summary_from_row(scope, row) for row in rows]


def creator_of_persona(scope: Scope, persona_id: UUID) -> UUID:
    """Return the creator of a stored version. Raises NotFound."""
    row = scope.session.get(Persona, (scope.tenant_id, persona_id))
    if row is None:
        raise NotFound("persona.unknown")
    return row.creator_id


@dataclass(frozen=True)
class FieldChange:
    """A field of a persona with its values before and after, as lines of text."""

    field: str
    before: tuple[str, ...]
    after: tuple[str, ...]


def compare_personas(before: PersonaVersion | None, after: PersonaVersion) -> list[FieldChange]:
    """Return the fields that differ, in the order of `CONTENT_FIELDS`. None is an empty persona."""
    changes = []
    for name in CONTENT_FIELDS:
        old = _field_lines(getattr(before, name)) if before is not None else ()
        new = _field_lines(getattr(after, name))
        if old != new:
            changes.append(FieldChange(name, old, new))
    return changes


def _field_lines(value: object) -> tuple[str, ...]:
    if isinstance(value, tuple):
        return tuple(_line_of(one) for one in value)
    return (str(value),) if value not in ("", None) else ()


def _line_of(value: object) -> str:
    match value:
        case PersonaExample(fan, answer):
            return f"{fan} → {answer}"
        case LorebookEntry(keys, content, enabled):
            mark = "" if enabled else "✕ "
            return f"{mark}{', '.join(keys)}: {content}"
        case _:
            return str(value)


def fill_placeholders(text: str, name: str, fan: str = "") -> str:
    """Return a text with the placeholders of character cards replaced: `{{char}}` by the name of
    the persona, `{{user}}` by the fan's. Nothing else is interpreted."""
    filled = _CHARACTER.sub(lambda _: name, text)
    return _USER.sub(lambda _: fan, filled)


def persona_from_content(
    content: Mapping[str, Any], *, level: AutonomyLevel = "copilot"
) -> PersonaVersion:
    """Return the persona of stored JSON values (`PersonaVersion.content`)."""
    return PersonaVersion(
        name=content["name"],
        virtual=content["virtual"],
        card=content["card"],
        voice=content["voice"],
        languages=tuple(content["languages"]),
        level=level,
        examples=_parse_examples(content["examples"]),
        rules=tuple(content["rules"]),
        forbidden=tuple(content["forbidden"]),
        greeting=content["greeting"],
        opening_hours=parse_opening_hours(content["opening_hours"]),
        sales_style=parse_sales_style(content["sales_style"]),
        suggestions=content["suggestions"],
        lorebook=tuple(
            LorebookEntry(tuple(one["keys"]), one["content"], one["enabled"])
            for one in content["lorebook"]
        ),
    )


def parse_sales_style(stored: str) -> SalesStyle:
    """Return the sales style of a stored value, `on_request` for an unknown one."""
    return next((style for style in SALES_STYLES if style == stored), "on_request")


def _summary_from_row(scope: Scope, row: Persona) -> PersonaSummary:
    return PersonaSummary(
        row.id, row.version, row.state, row.created_at or scope.now, _version_from_row(row)
    )


def _version_from_row(row: Persona) -> PersonaVersion:
    return persona_from_content(
        {name: getattr(row, name) for name in CONTENT_FIELDS},
        level=autonomy.parse_level(row.level),
    )


def _parse_examples(stored: Sequence[dict[str, str]]) -> tuple[PersonaExample, ...]:
    return tuple(PersonaExample(example["fan"], example["answer"]) for example in stored)
