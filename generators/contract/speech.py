"""The contract of engines of speech: a text and a voice in, a sound out, with its label and its
licence.

Errors are those of `generators/contract/engines.py`, and one of its own:

    EngineError └── AnswerUncertain          it was asked, perhaps made and billed it, and the
    answer was lost: never asked again by
                                 itself
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES
from generators.contract.engines import EngineError, EngineMissing, JobTooLarge, OriginLabel

MAX_CHARACTERS = 5_000
"""Of one text: the least that any model of the engines takes, five minutes of speech."""

AudioForm = Literal["m4a", "wav"]


class SpeechUncertain(EngineError):
    """The engine was asked and perhaps billed it, but its answer was lost: only a person may ask
    again."""


@dataclass(frozen=True)
class VoiceLicence:
    """By what right a voice is used: its name, who gives it, where that is written, and whether it
    may earn money; None where nobody says."""

    name: str
    owner: str
    source: str
    commercial: bool | None = None


@dataclass(frozen=True)
class EngineVoice:
    """One voice of an engine; `language` a tag like fr or en-us, empty for one that speaks several.
    `cloned` says that it is made after a living person."""

    id: str
    name: str
    language: str
    licence: VoiceLicence
    cloned: bool = False


@dataclass(frozen=True)
class OfferedVoice:
    """A voice with what is known of its engine: what somebody chooses by, without the engine
    itself."""

    engine: str
    label: str
    bills: bool
    voice: EngineVoice


@dataclass(frozen=True)
class SpeechJob:
    """One text to say. `language` is "fr" or "en"; without `voice`, the engine's own for that
    language.

    Raises BadInput for a text without words or another language, JobTooLarge beyond
    `MOST_CHARACTERS`.
    """

    text: str = field(repr=False)
    language: str = "fr"
    voice: str = ""
    seed: int = 0
    form: AudioForm = "m4a"

    def __post_init__(self) -> None:
        if not any(letter.isalnum() for letter in self.text):
            raise BadInput("engine.speech_empty")
        if self.language not in LANGUAGES:
            raise BadInput("engine.speech_language")
        if len(self.text) > MAX_CHARACTERS:
            raise JobTooLarge("engine.speech_long", characters=len(self.text), most=MAX_CHARACTERS)
        if not 0 <= self.seed < 2**32:
            raise ValueError("a seed of speech is a whole number from 0 to 2^32 - 1")

    @property
    def clean_text(self) -> str:
        """The text without control characters, each run of blanks one: what an engine is told."""
        return " ".join("".join(c if c.isprintable() else " " for c in self.text).split())


@dataclass(frozen=True)
class GeneratedSpeech:
    """A sound and how it came to be: AAC in MP4 or WAV, mono, 48 kHz, at -16 LUFS. `characters` are
    what it cost."""

    data: bytes = field(repr=False)
    mime: Literal["audio/mp4", "audio/wav"]
    seconds: float
    engine: str
    model: str
    voice: EngineVoice
    label: OriginLabel
    characters: int
    seed: int
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class SpeechEngine(Protocol):
    """Says texts. May be shared by threads."""

    name: str
    label: OriginLabel
    bills: bool
    """Whether its characters are paid for: then they are reserved before it is asked."""

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Which voices there are. Raises EngineError."""
        ...

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Say the text. Raises EngineError."""
        ...


def offer_voice(engine: SpeechEngine, voice: EngineVoice) -> OfferedVoice:
    """A voice of an engine, as one chooses it."""
    return OfferedVoice(engine.name, str(engine.label), engine.bills, voice)


def pick_voice(
    engine: SpeechEngine, voices: tuple[EngineVoice, ...], job: SpeechJob
) -> EngineVoice:
    """The voice a job names, else the first of its language, else the first of any; one made after
    somebody only by its name. Raises EngineMissing."""
    if job.voice:
        fit = [voice for voice in voices if voice.id == job.voice]
    else:
        free = [voice for voice in voices if not voice.cloned]
        own = [voice for voice in free if voice.language.split("-")[0] == job.language]
        fit = own or [voice for voice in free if not voice.language]
    if not fit:
        raise EngineMissing("engine.no_voice", engine=engine.name, voice=job.voice or job.language)
    return fit[0]
