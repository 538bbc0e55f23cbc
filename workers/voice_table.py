"""The voices that can speak here, as a table for the terminal and for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from foundation.settings import GeneratorsSettings
from foundation.words import Message
from generators import registry
from generators.contract import EngineMissing
from workers.terminal import sentence


@dataclass(frozen=True)
class Line:
    """One voice. `label` is empty for a real one; `commercial` None where nobody says whether it may earn money."""

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


def lines(settings: GeneratorsSettings, language: str = "") -> list[Line]:
    """Every voice, or those of a language. Raises EngineMissing without an engine, and what an engine raises."""
    engines = registry.speech_engines(settings)
    if not engines:
        raise EngineMissing("doctor.no_voices")
    return [
        Line(
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
        for voice in engine.voices()
        if language in ("", voice.language, voice.language.split("-")[0]) or not voice.language
    ]


def as_json(found: Sequence[Line]) -> str:
    """One object a voice."""
    return json.dumps([asdict(line) for line in found], indent=2, ensure_ascii=False)


def text(found: Sequence[Line], language: str = "") -> str:
    """One line a voice; a marked engine says so on each. Where none speaks `language`, a sentence that says it."""
    if not found:
        return sentence(Message("cli.voices.none", {"language": language or "-"}))
    marked = sentence(Message("cli.voices.marked"))
    rows = (
        f"{one.engine:<12} {one.voice:<24} {one.language or '-':<8} {one.name:<34} {one.licence}"
        + (f"  {marked}" if one.label else "")
        for one in found
    )
    return "\n".join(rows)
