"""The contract of speech engines: a text and a voice as input, audio with its label and licence as
output.

Errors are those of `generators/contract/engines.py`, and `SpeechUncertain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES
from generators.contract.engines import EngineError, EngineMissing, JobTooLarge, OriginLabel

MAX_CHARACTERS = 5_000
"""Maximum length of a text, about five minutes of speech: the smallest limit of the engines'
models."""

AudioForm = Literal["m4a", "wav"]


class SpeechUncertain(EngineError):
    """The request may have been billed, but its response was lost: only a person may request it
    again."""


@dataclass(frozen=True)
class VoiceLicence:
    """The licence of a voice: its name, licensor and source. `commercial` is None if unknown."""

    name: str
    owner: str
    source: str
    commercial: bool | None = None


@dataclass(frozen=True)
class EngineVoice:
    """A voice of an engine. `language` is a tag like fr or en-us, empty for a multilingual voice;
    `cloned` means that the voice imitates a living person."""

    id: str
    name: str
    language: str
    licence: VoiceLicence
    cloned: bool = False


@dataclass(frozen=True)
class OfferedVoice:
    """A voice with the facts about its engine that matter when choosing one."""

    engine: str
    label: str
    bills: bool
    voice: EngineVoice


@dataclass(frozen=True)
class SpeechJob:
    """One text to speak. `language` is "fr" or "en"; without `voice`, the engine's default for that
    language is used.

    Raises BadInput for a text without words or another language, and JobTooLarge above
    `MAX_CHARACTERS`.
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
        """The text for the engine, without control characters and with single spaces."""
        return " ".join("".join(c if c.isprintable() else " " for c in self.text).split())


@dataclass(frozen=True)
class GeneratedSpeech:
    """Audio and its origin: AAC in MP4 or WAV, mono, 48 kHz, -16 LUFS. `characters` is the number
    of billed characters."""

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
    """An engine for speech; threads may share it."""

    name: str
    label: OriginLabel
    bills: bool
    """True if the engine bills characters; they are then reserved before the request."""

    def list_voices(self) -> tuple[EngineVoice, ...]:
        """Return the voices. Raises EngineError."""
        ...

    def synthesize(self, job: SpeechJob) -> GeneratedSpeech:
        """Speak the text. Raises EngineError."""
        ...


def offer_voice(engine: SpeechEngine, voice: EngineVoice) -> OfferedVoice:
    """Return a voice of an engine as an offered voice."""
    return OfferedVoice(engine.name, str(engine.label), engine.bills, voice)


def pick_voice(
    engine: SpeechEngine, voices: tuple[EngineVoice, ...], job: SpeechJob
) -> EngineVoice:
    """Return the voice that a job names, else the first of its language, else the first
    multilingual one. Raises EngineMissing if there is none.

    A cloned voice is used only if the job names it.
    """
    if job.voice:
        fit = [voice for voice in voices if voice.id == job.voice]
    else:
        free = [voice for voice in voices if not voice.cloned]
        own = [voice for voice in free if voice.language.split("-")[0] == job.language]
        fit = own or [voice for voice in free if not voice.language]
    if not fit:
        raise EngineMissing("engine.no_voice", engine=engine.name, voice=job.voice or job.language)
    return fit[0]
