"""Who keeps the books of requests for texts: engines tell it before each one leaves, and what came
of it.

The contract of every engine: values in, values out, progress by a callback.

An engine imports no job, no database and no other engine. What it made says which engine and model
made it, and carries a label when it must not be mistaken for the work of a real model or of a
camera.

    Unavailable                  foundation: a part of the house or of the outside cannot be reached
    └── EngineError              an engine cannot do the job; the code says what is missing and what
    to do
        ├── EngineMissing        a package, folder, file or model is not there: installing helps,
        waiting does not ├── EngineUnreachable    the server is down, too slow or busy: worth
        another try later │   ├── EngineBusy       it says when to come back │   └── EngineUnheard
        it surely heard nothing, or refused to begin: nothing is billed ├── EngineWithheld       the
        agency's books do not allow it: nothing was asked, and nothing is billed ├── Undelivered
        paid for, perhaps, and not to be had: nobody asks for it again by himself ├── AnswerUnusable
        it answered, but cut, not as asked, or repeating the question: another try may help └──
        JobTooLarge          the job exceeds what the model can hold: a smaller job helps
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from foundation.canonical_json import canonical_json
from foundation.errors import Unavailable
from foundation.i18n.translation import Message
from foundation.money import Price
from foundation.ops.clock import wall_now


class RequestLedger:
    """Who is told of each request for a text, one after the other; here nobody. The studio keeps it
    in its table."""

    def record_request(self, engine: str, model: str, most_in: int, most_out: int) -> None:
        """A request is about to leave to a model: a question of so many tokens at most, an answer
        of so many. Raises `contract.EngineWithheld` where it must not."""

    def record_answer(self, tokens_in: int, tokens_out: int) -> None:
        """It was answered; both 0 where the server does not count."""

    def record_not_received(self) -> None:
        """It surely did not reach the model: nothing was done."""

    def record_lost(self) -> None:
        """No whole answer came: what it asked for may have been written, and billed."""


NO_LEDGER = RequestLedger()

Progress = Callable[[int, int], None]
"""Called with (steps done, steps in all). What it raises stops the engine and reaches the caller
unchanged."""


def ignore_progress(_done: int, _total: int) -> None:
    """The progress of a job nobody watches."""


class EngineError(Unavailable):
    """An engine cannot do the job; the code says what is missing and what to do."""


class EngineMissing(EngineError):
    """A package, a folder, a file or a model is not there: installing it helps, waiting does
    not."""


class EngineUnreachable(EngineError):
    """The engine's server is down, too slow or busy: worth another try later."""


class EngineBusy(EngineUnreachable):
    """The server takes no more for now; `after` is in how many seconds it does."""

    def __init__(self, code: str, *, after: float, **params: str | int) -> None:
        self.after = after
        super().__init__(code, **params)


class RequestNotReceived(EngineUnreachable):
    """The request surely did not reach the server, or was refused before anything was done: nothing
    is billed."""


class SpendingNotAllowed(EngineError):
    """The books of who asks do not allow it: no request left, and none does until they do."""


class PictureUndelivered(EngineError):
    """A seller refused one picture, ended its order without one, or its fate cannot be known: it
    may be billed, so that nobody asks for it again by himself. Others of its run may come."""


class UnusableAnswer(EngineError):
    """The engine answered, but cut, not as asked, or repeating the question: another try may
    help."""


class JobTooLarge(EngineError):
    """The job exceeds what the model can hold: a smaller job helps."""


class OriginLabel(StrEnum):
    """What a thing made here must never be mistaken for; `NONE` is the work of a real model."""

    NONE = ""
    PLACEHOLDER = (
        "placeholder"  # drawn, or said by a machine's voice, because no real model is there
    )
    DEMO = "demo"  # a real model of demonstration quality: always read by a person
    DRAWN = "drawn"  # a scene the project draws where the demo would show a photograph
    STAND_IN = "stand_in"  # a plain tile in the place of what is never drawn
    TEMPLATE = "template"  # a sentence of ours, chosen by rules


@dataclass(frozen=True)
class Lora:
    """Weights that are laid over a model for a look: the name of their file, and how much they
    count.

    `owner` is the agency that asks, as the hex of its id: a file of its own goes before one that
    all share, and nobody else's is found.
    """

    name: str
    weight: float = 1.0
    owner: str = ""


@dataclass(frozen=True)
class ImageJob:
    """One picture to make. Sizes in pixels, multiples of 8 from 64 to 4096; without `model`, the
    engine's own.

    With `init` it is made from a picture, of which `strength` (above 0, at most 1) is made anew,
    with `mask` only where that is white. `references` are pictures of a look to keep, `pose` one
    whose posture to take. Pictures are files' bytes. Not every engine does all of it: which of it
    this one lacks is said by EngineMissing, before anything is made.
    """

    prompt: str
    seed: int
    negative: str = ""
    width: int = 1600
    height: int = 1200
    steps: int = 20
    guidance: float = 6.0
    model: str = ""
    scheduler: str = ""
    loras: tuple[Lora, ...] = ()
    init: bytes = field(default=b"", repr=False)
    strength: float = 0.6
    mask: bytes = field(default=b"", repr=False)
    references: tuple[bytes, ...] = field(default=(), repr=False)
    reference_weight: float = 0.6
    pose: bytes = field(default=b"", repr=False)
    pose_weight: float = 1.0

    @property
    def needed_inputs(self) -> frozenset[str]:
        """What of an engine it needs beside words: loras, init, mask, references, pose."""
        needs = ("loras", "init", "mask", "references", "pose")
        return frozenset(name for name in needs if getattr(self, name))

    def __post_init__(self) -> None:
        for edge in (self.width, self.height):
            if edge % 8 or not 64 <= edge <= 4096:
                raise JobTooLarge("engine.size", width=self.width, height=self.height)
        if not 0 <= self.seed < 2**63:
            raise ValueError("a seed is a whole number from 0 to 2^63 - 1")
        if self.mask and not self.init:
            raise ValueError("a mask says what of a picture is made anew, and there is none")
        if not 0 < self.strength <= 1:
            raise ValueError("a strength is a part: above 0, at most 1")
        if len({one.name for one in self.loras}) < len(self.loras):
            raise ValueError("a LoRA is laid over a model once")


@dataclass(frozen=True)
class GeneratedPicture:
    """A picture and how it came to be; `parameters` are what would make it again on the same
    build."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int
    engine: str
    model: str
    label: OriginLabel
    seed: int
    prompt: str
    parameters: Mapping[str, str | int | float] = field(default_factory=dict)


class ImageEngine(Protocol):
    """Makes pictures. Built once per process, used by one job at a time."""

    name: str
    model: str
    does: frozenset[str]
    """What it can be asked beside words, as `ImageJob.asks`."""

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Make the picture. Raises EngineError; what `progress` raises stops it and passes
        through."""
        ...


@runtime_checkable
class SupportsBatches(Protocol):
    """An engine that makes several pictures faster together than one by one."""

    def draw_many(
        self, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
    ) -> Iterator[GeneratedPicture]:
        """Make the pictures in their order, each handed on as soon as it is there. Raises as
        `draw`."""
        ...


def check_inputs_supported(engine: ImageEngine, job: ImageJob) -> None:
    """Raise EngineMissing that names what a job asks for and the engine cannot do."""
    for need in sorted(job.needed_inputs - engine.does):
        raise EngineMissing(f"engine.cannot_{need}", engine=engine.name)


@dataclass
class PurchaseRecord:
    """What is kept of one picture that is bought; here in memory, by the studio in its table.

    `marker` is ours and goes with the order. Whoever holds a slip with `since` must look for the
    order before asking.
    """

    marker: str
    since: datetime | None = None
    """When it was asked for (UTC-aware), perhaps without our hearing of it; None of what surely was
    not taken."""
    order: str = ""
    """The seller's id, once it is known."""

    def mark_requested(self) -> None:
        """A request that may cost is about to leave. Raises LeaseLost where somebody else is at
        it."""
        self.since = wall_now()
        self.order = ""

    def mark_refused(self) -> None:
        """It surely was not taken, or surely costs nothing."""
        self.since = None
        self.order = ""

    def mark_ordered(self, order: str) -> None:
        """The seller took it under this id."""
        self.order = order

    def store_answer(self, answer: bytes) -> None:
        """The answer of a seller that gives it once, before anything is made of it."""

    def stored_answer(self) -> bytes:
        """What was kept of it; nothing where none was, or not any more."""
        return b""


@runtime_checkable
class HostedImageEngine(Protocol):
    """An engine of somebody else's, which bills each picture. Prompts leave the house."""

    name: str
    model: str

    def price(self, job: ImageJob) -> Price:
        """What the picture costs. Raises EngineMissing where the settings name no price: then it is
        not bought."""
        ...

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        """The picture of the slip: taken up where it was asked for before, else asked for.

        Raises EngineError; what `progress` raises passes through, and the order goes on.
        """
        ...

    def cancel(self, slip: PurchaseRecord) -> None:
        """Have the seller drop the order, if that can be; the slip says afterwards whether it
        surely costs nothing."""
        ...


@runtime_checkable
class LocalEngine(Protocol):
    """An engine whose model runs on this machine."""

    def device_message(self) -> Message:
        """On what it runs and how precisely; may load its packages. Raises EngineError when its
        model cannot."""
        ...


@runtime_checkable
class SupportsModelList(Protocol):
    """An engine that can name what recipes may ask of it beside its own model."""

    def list_models(self) -> tuple[list[str], list[str]]:
        """The names of its other models, and of its LoRAs."""
        ...

    def model_problems(self) -> list[Message]:
        """Why some files among its models cannot be used."""
        ...


@runtime_checkable
class ServedEngine(Protocol):
    """An engine on a server of its own, which may be away."""

    def check(self) -> None:
        """Ask whether it is there. Raises EngineError when it is not."""
        ...


@dataclass(frozen=True)
class PromptMessage:
    """One message of a conversation with the model."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[bytes, ...] = field(default=(), repr=False)
    """JPEG or PNG files that a model which sees is shown with the text."""


@dataclass(frozen=True)
class CaptionBrief:
    """The plain facts of a picture, for the engine without a model. English words of the scene, as
    in the prompt."""

    creator: str
    scene: str
    virtual: bool = False


@dataclass(frozen=True)
class OfferLine:
    """One entry of the closed list of offers: `id` as the model sees it (o1 … o6), never an id of a
    table."""

    id: str
    title: str


@dataclass(frozen=True)
class ChatBrief:
    """The plain facts of a chat turn, for the engine without a model: `said` is the fan's joined
    messages."""

    persona: str
    said: str
    offers: tuple[OfferLine, ...] = ()
    turn: int = 1
    virtual: bool = True


TextBrief = CaptionBrief | ChatBrief


@dataclass(frozen=True)
class TextJob:
    """One text to write. With `schema` (flat JSON schema, every string with a maxLength) the answer
    is that JSON.

    `language` is "fr" or "en"; `max_tokens` bounds the answer; `brief` is what the engine without a
    model works from.
    """

    system: str
    turns: tuple[PromptMessage, ...]
    seed: int
    language: str = "fr"
    schema: Mapping[str, object] | None = None
    max_tokens: int = 256
    temperature: float = 0.8
    brief: TextBrief | None = None
    tally: RequestLedger = field(default=NO_LEDGER, repr=False, compare=False)

    def digest(self) -> str:
        """SHA-256 of everything the model is shown: stored with the text, in place of the text
        itself."""
        said = [
            (turn.role, turn.text, *(hashlib.sha256(one).hexdigest() for one in turn.images))
            for turn in self.turns
        ]
        shown = [self.system, said, self.schema, self.language]
        return hashlib.sha256(canonical_json(shown)).hexdigest()


@dataclass(frozen=True)
class GeneratedText:
    """A text and how it came to be; `answer` is the parsed JSON when the job had a schema, else
    empty. Tokens are those of every question it took."""

    text: str = field(repr=False)
    engine: str
    model: str
    label: OriginLabel
    seed: int
    prompt_digest: str
    tokens_in: int
    tokens_out: int
    answer: Mapping[str, object] = field(default_factory=dict, repr=False)


class TextEngine(Protocol):
    """Writes texts. May be shared by threads. A model tells the job's tally of every request
    (`generators.text.model_calls`)."""

    name: str
    model: str
    languages: frozenset[str]
    """In which languages its words are fit to be read by a person."""
    converses: bool
    """Whether it keeps to a chat's contract: an answer to what was said, and offers of a closed
    list."""

    def write(self, job: TextJob) -> GeneratedText:
        """Write the text. Raises EngineError."""
        ...


class VisionEngine(TextEngine, Protocol):
    """A text engine that is shown pictures with the question."""

    hosted: bool
    """Whether a picture leaves the house with it: adult and unrated ones then are not shown."""
