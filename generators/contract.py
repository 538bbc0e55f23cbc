"""The contract of every engine: values in, values out, progress by a callback.

An engine imports no job, no database and no other engine. What it made says which engine and model made it,
and carries a label when it must not be mistaken for the work of a real model or of a camera.

    Unavailable                  foundation: a part of the house or of the outside cannot be reached
    └── EngineError              an engine cannot do the job; the code says what is missing and what to do
        ├── EngineMissing        a package, folder, file or model is not there: installing helps, waiting does not
        ├── EngineUnreachable    the server is down, too slow or busy: worth another try later
        ├── AnswerUnusable       it answered, but cut, not as asked, or repeating the question: another try may help
        └── JobTooLarge          the job exceeds what the model can hold: a smaller job helps
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Protocol

from foundation.errors import Unavailable
from foundation.words import canonical

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all). What it raises stops the engine and reaches the caller unchanged."""


def unheard(_done: int, _total: int) -> None:
    """The progress of a job nobody watches."""


class EngineError(Unavailable):
    """An engine cannot do the job; the code says what is missing and what to do."""


class EngineMissing(EngineError):
    """A package, a folder, a file or a model is not there: installing it helps, waiting does not."""


class EngineUnreachable(EngineError):
    """The engine's server is down, too slow or busy: worth another try later."""


class AnswerUnusable(EngineError):
    """The engine answered, but cut, not as asked, or repeating the question: another try may help."""


class JobTooLarge(EngineError):
    """The job exceeds what the model can hold: a smaller job helps."""


class Label(StrEnum):
    """What a thing made here must never be mistaken for; `NONE` is the work of a real model."""

    NONE = ""
    PLACEHOLDER = "placeholder"  # drawn because no picture model is there
    DEMO = "demo"  # a real model of demonstration quality: always read by a person
    DRAWN = "drawn"  # a scene the project draws where the demo would show a photograph
    STAND_IN = "stand_in"  # a plain tile in the place of what is never drawn
    TEMPLATE = "template"  # a sentence of ours, chosen by rules


@dataclass(frozen=True)
class ImageJob:
    """One picture to make. Sizes in pixels, multiples of 8 from 64 to 4096; without `model`, the engine's own."""

    prompt: str
    seed: int
    negative: str = ""
    width: int = 1600
    height: int = 1200
    steps: int = 20
    guidance: float = 6.0
    model: str = ""

    def __post_init__(self) -> None:
        for edge in (self.width, self.height):
            if edge % 8 or not 64 <= edge <= 4096:
                raise JobTooLarge("engine.size", width=self.width, height=self.height)
        if not 0 <= self.seed < 2**63:
            raise ValueError("a seed is a whole number from 0 to 2^63 - 1")


@dataclass(frozen=True)
class Picture:
    """A picture and how it came to be; `parameters` are what would make it again on the same build."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    engine: str
    model: str
    label: Label
    seed: int
    prompt: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class ImageEngine(Protocol):
    """Makes pictures. Built once per process, used by one job at a time."""

    name: str
    model: str

    def draw(self, job: ImageJob, progress: Progress = unheard) -> Picture:
        """Make the picture. Raises EngineError; what `progress` raises stops it and passes through."""
        ...


@dataclass(frozen=True)
class Turn:
    """One message of a conversation with the model."""

    role: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class CaptionBrief:
    """The plain facts of a picture, for the engine without a model. English words of the scene, as in the prompt."""

    creator: str
    scene: str
    virtual: bool = False


@dataclass(frozen=True)
class OfferLine:
    """One entry of the closed list of offers: `id` as the model sees it (o1 … o6), never an id of a table."""

    id: str
    title: str


@dataclass(frozen=True)
class ChatBrief:
    """The plain facts of a chat turn, for the engine without a model: `said` is the fan's joined messages."""

    persona: str
    said: str
    offers: tuple[OfferLine, ...] = ()
    turn: int = 1
    virtual: bool = True


Brief = CaptionBrief | ChatBrief


@dataclass(frozen=True)
class TextJob:
    """One text to write. With `schema` (flat JSON schema, every string with a maxLength) the answer is that JSON.

    `language` is "fr" or "en"; `max_tokens` bounds the answer; `brief` is what the engine without a model works from.
    """

    system: str
    turns: tuple[Turn, ...]
    seed: int
    language: str = "fr"
    schema: Mapping[str, object] | None = None
    max_tokens: int = 256
    temperature: float = 0.8
    brief: Brief | None = None

    def digest(self) -> str:
        """SHA-256 of everything the model is shown: stored with the text, in place of the text itself."""
        shown = [self.system, [(turn.role, turn.text) for turn in self.turns], self.schema, self.language]
        return hashlib.sha256(canonical(shown)).hexdigest()


@dataclass(frozen=True)
class Written:
    """A text and how it came to be; `answer` is the parsed JSON when the job had a schema, else empty."""

    text: str = field(repr=False)
    engine: str
    model: str
    label: Label
    seed: int
    prompt_digest: str
    tokens_in: int
    tokens_out: int
    answer: Mapping[str, object] = field(default_factory=dict, repr=False)


class TextEngine(Protocol):
    """Writes texts. May be shared by threads."""

    name: str
    model: str
    languages: frozenset[str]
    """In which languages its words are fit to be read by a person."""
    converses: bool
    """Whether it keeps to a chat's contract: an answer to what was said, and offers of a closed list."""

    def write(self, job: TextJob) -> Written:
        """Write the text. Raises EngineError."""
        ...
