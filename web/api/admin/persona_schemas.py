"""Schemas of personas and of the autonomy of bots."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from foundation.i18n.translation import render_message
from subscribers.replies.autonomy import AutonomyLevel, AutonomyView
from subscribers.replies.content_checks import (
    MAX_EXAMPLE_LENGTH,
    MAX_EXAMPLES,
    MAX_LENGTHS,
    MAX_RULE_LENGTH,
    MAX_RULES,
)
from subscribers.replies.opening_hours import OpeningHours, parse_clock
from subscribers.replies.persona import PersonaExample, PersonaSummary, PersonaVersion
from tenants.agencies.queries import Creator
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import ReasonOut, RequestModel, StorableText, example_config

Level = Literal["off", "suggest", "supervised", "autonomous"]
LEVEL_NAMES: dict[AutonomyLevel, Level] = {
    "off": "off",
    "copilot": "suggest",
    "supervised": "supervised",
    "autopilot": "autonomous",
}
"""Levels as clients see them, by the stored level."""

STORED_LEVELS: dict[Level, AutonomyLevel] = {name: level for level, name in LEVEL_NAMES.items()}

Rule = Annotated[StorableText, Field(min_length=1, max_length=MAX_RULE_LENGTH)]
Clock = Annotated[StorableText, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class ExampleIn(RequestModel):
    """A message of a fan and the persona's answer."""

    fan: Annotated[StorableText, Field(min_length=1, max_length=MAX_EXAMPLE_LENGTH)]
    answer: Annotated[StorableText, Field(min_length=1, max_length=MAX_EXAMPLE_LENGTH)]


class HoursIn(RequestModel):
    """A weekly period in which people answer, in the creator's time zone: `weekday` from 0
    (Monday). An end at or before the start is on the next day."""

    weekday: Annotated[int, Field(ge=0, le=6, strict=True)]
    start: Clock
    end: Clock


class PersonaIn(RequestModel):
    """A persona. It is saved as a draft, or activated at once with `activate`."""

    model_config = example_config(
        {
            "name": "Nova",
            "biography": "A virtual traveller who collects places.",
            "voice": "Playful, short sentences.",
            "languages": ["en", "fr"],
            "rules": ["Never promises to meet."],
            "activate": True,
        }
    )

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_LENGTHS["name"])]
    biography: Annotated[StorableText, Field(max_length=MAX_LENGTHS["card"])] = ""
    voice: Annotated[StorableText, Field(max_length=MAX_LENGTHS["voice"])] = ""
    greeting: Annotated[StorableText, Field(max_length=MAX_LENGTHS["greeting"])] = ""
    languages: Annotated[list[Literal["fr", "en"]], Field(min_length=1, max_length=2)]
    rules: Annotated[list[Rule], Field(max_length=MAX_RULES)] = Field(default_factory=list)
    forbidden: Annotated[list[Rule], Field(max_length=MAX_RULES)] = Field(default_factory=list)
    examples: Annotated[list[ExampleIn], Field(max_length=MAX_EXAMPLES)] = Field(
        default_factory=list
    )
    opening_hours: Annotated[list[HoursIn], Field(max_length=21)] = Field(default_factory=list)
    sales_style: Literal["none", "on_request", "active"] = "on_request"
    activate: bool = False

    def build_persona(self, creator: Creator, base: PersonaVersion | None) -> PersonaVersion:
        """Return the persona. The parts of an imported card come from `base`."""
        return PersonaVersion(
            name=self.name.strip(),
            virtual=creator.kind == "virtual",
            card=self.biography.strip(),
            voice=self.voice.strip(),
            languages=tuple(dict.fromkeys(self.languages)),
            level=base.level if base is not None else "copilot",
            examples=tuple(PersonaExample(one.fan, one.answer) for one in self.examples),
            rules=tuple(self.rules),
            forbidden=tuple(self.forbidden),
            greeting=self.greeting.strip(),
            opening_hours=tuple(
                sorted(
                    {
                        OpeningHours(one.weekday, parse_clock(one.start), parse_clock(one.end))
                        for one in self.opening_hours
                    }
                )
            ),
            sales_style=self.sales_style,
            suggestions=base.suggestions if base is not None else "",
            lorebook=base.lorebook if base is not None else (),
        )


class ExampleOut(BaseModel):
    """A message of a fan and the persona's answer."""

    fan: str
    answer: str


class HoursOut(BaseModel):
    """A weekly period in which people answer, in the creator's time zone."""

    weekday: int
    start: str
    end: str


class PersonaVersionOut(BaseModel):
    """A version of a persona. `state` is draft, active or retired."""

    version: int
    state: str
    saved_at: datetime
    name: str
    virtual: bool
    biography: str
    voice: str
    greeting: str
    languages: list[str]
    rules: list[str]
    forbidden: list[str]
    examples: list[ExampleOut]
    opening_hours: list[HoursOut]
    sales_style: str

    @classmethod
    def of(cls, one: PersonaSummary) -> "PersonaVersionOut":
        """Return the response of a stored version."""
        found = one.persona
        return cls(
            version=one.version,
            state=one.state,
            saved_at=one.saved_at,
            name=found.name,
            virtual=found.virtual,
            biography=found.card,
            voice=found.voice,
            greeting=found.greeting,
            languages=list(found.languages),
            rules=list(found.rules),
            forbidden=list(found.forbidden),
            examples=[ExampleOut(fan=each.fan, answer=each.answer) for each in found.examples],
            opening_hours=[HoursOut(**each.to_json()) for each in found.opening_hours],
            sales_style=found.sales_style,
        )


class PersonaOut(BaseModel):
    """The active persona of a creator, and a newer draft; null if there is none."""

    active: PersonaVersionOut | None
    draft: PersonaVersionOut | None


class AutonomyIn(RequestModel):
    """The wanted level."""

    model_config = example_config({"level": "suggest"})

    level: Level


class LevelOut(BaseModel):
    """A level and what is missing to reach it; empty if it can be chosen."""

    level: Level
    missing: list[ReasonOut]


class AutonomyOut(BaseModel):
    """The autonomy of a creator's bot with its evidence. `level` is null without an active persona:
    members answer. `fallback` is the cause of an automatic fallback."""

    level: Level | None
    fallback: str | None
    reviewed: int
    unchanged_percent: int
    missed_safety: int
    levels: list[LevelOut]

    @classmethod
    def of(cls, found: AutonomyView) -> "AutonomyOut":
        """Return the response of a creator's autonomy."""
        return cls(
            level=LEVEL_NAMES[found.level] if found.level is not None else None,
            fallback=found.fallback,
            reviewed=found.evidence.reviewed,
            unchanged_percent=found.evidence.unchanged_percent,
            missed_safety=found.evidence.missed_safety,
            levels=[
                LevelOut(
                    level=name,
                    missing=[
                        ReasonOut(code=one.code, text=render_message(one, ERROR_LANGUAGE))
                        for one in found.missing_for(level)
                    ],
                )
                for level, name in LEVEL_NAMES.items()
            ],
        )
