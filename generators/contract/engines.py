"""The contract of engines: values in, values out, and progress by a callback.

An engine imports no job, no database and no other engine. Its results name the engine and the
model, and carry a label if they could be mistaken for the work of a real model or of a camera. Text
engines report each request to a `RequestLedger`. Errors, all subclasses of
`foundation.errors.Unavailable`:

- EngineError: an engine cannot do the job; the code says what is missing and what to do.
- EngineMissing: a package, folder, file or model does not exist. Waiting does not help; it must be
  installed.
- EngineUnreachable: the server is down, too slow or busy. A later retry may help.
- EngineBusy: an EngineUnreachable with the time of the next attempt.
- RequestNotReceived: an EngineUnreachable for a request that was not processed and is not billed.
- SpendingNotAllowed: the agency's budget does not allow the request. It was not sent.
- PictureUndelivered: the picture may be billed but is not available. It is never ordered again
  automatically.
- UnusableAnswer: the output is truncated, malformed or repeats the question. A retry may help.
- JobTooLarge: the job exceeds the model's capacity. A smaller job helps.
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
    """The record of requests to text models. This base class records nothing; the studio stores
    requests in a table."""

    def record_request(self, engine: str, model: str, most_in: int, most_out: int) -> None:
        """Record a request before it is sent, with the maximum tokens of prompt and answer. Raises
        SpendingNotAllowed."""

    def record_answer(self, tokens_in: int, tokens_out: int) -> None:
        """Record the response. Both token counts are 0 if the server does not count."""

    def record_not_received(self) -> None:
        """Record that the model did not receive the request."""

    def record_lost(self) -> None:
        """Record that no complete response arrived; the text may have been generated and billed."""


NO_LEDGER = RequestLedger()

Progress = Callable[[int, int], None]
"""Called with (completed steps, total steps). An exception stops the engine and reaches the caller
unchanged."""


def ignore_progress(_done: int, _total: int) -> None:
    """Ignore the progress of a job."""


class EngineError(Unavailable):
    """An engine cannot do the job; the code says what is missing and what to do."""


class EngineMissing(EngineError):
    """A package, a folder, a file or a model does not exist. Waiting does not help; it must be
    installed."""


class EngineUnreachable(EngineError):
    """The engine's server is down, too slow or busy; a later retry may help."""


class EngineBusy(EngineUnreachable):
    """The server accepts no requests for now; it may be retried after `after` seconds."""

    def __init__(self, code: str, *, after: float, **params: str | int) -> None:
        self.after = after
        super().__init__(code, **params)


class RequestNotReceived(EngineUnreachable):
    """The server did not receive the request, or refused it before processing it. Nothing is
    billed."""


class SpendingNotAllowed(EngineError):
    """The agency's budget does not allow the request; it was not sent."""


class PictureUndelivered(EngineError):
    """A paid picture was refused or not delivered, or its state cannot be determined. It may be
    billed, so it is not ordered again automatically; other pictures of the run may still be
    delivered."""


class UnusableAnswer(EngineError):
    """The engine's output is truncated, malformed or repeats the question; a retry may help."""


class JobTooLarge(EngineError):
    """The job exceeds the model's capacity; a smaller job helps."""


class OriginLabel(StrEnum):
    """Labels of results that must not be mistaken for a real model's work; `NONE` is the work of a
    real model."""

    NONE = ""
    PLACEHOLDER = "placeholder"  # drawn or synthesized, because no real model is configured
    DEMO = "demo"  # a real model of demo quality: a person always reviews it
    DRAWN = "drawn"  # a scene drawn by this project in place of a demo photograph
    STAND_IN = "stand_in"  # a plain tile in place of a picture that is never drawn
    TEMPLATE = "template"  # one of our sentences, chosen by rules


@dataclass(frozen=True)
class Lora:
    """LoRA weights for a model: the name of the file and the weight.

    `owner` is the hex ID of the requesting agency: its file takes precedence over a shared one, and
    files of other agencies are never used.
    """

    name: str
    weight: float = 1.0
    owner: str = ""


@dataclass(frozen=True)
class ImageJob:
    """One picture to make. Edges are in pixels, multiples of 8 from 64 to 4096. Without `model`,
    the engine's default is used.

    With `init` the picture is based on another one: `strength` (above 0, at most 1) is the share
    that is repainted, and with `mask` only its white area is. `references` are pictures whose style
    is followed, and `pose` is a picture whose pose is followed. Pictures are encoded files. An
    engine raises EngineMissing for an input it does not support, before it starts.
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
        """The inputs that the engine must support besides the prompt: loras, init, mask,
        references, pose."""
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
    """A picture and its origin. `parameters` reproduce it on the same build."""

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
    """An engine for pictures, built once per process and used by one job at a time."""

    name: str
    model: str
    does: frozenset[str]
    """The inputs that the engine supports besides the prompt, as in `ImageJob.needed_inputs`."""

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Make the picture. Raises EngineError; an exception of `progress` stops it and is passed
        on."""
        ...


@runtime_checkable
class SupportsBatches(Protocol):
    """An engine that makes several pictures together faster than one by one."""

    def draw_many(
        self, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
    ) -> Iterator[GeneratedPicture]:
        """Make the pictures in order and yield each as soon as it is finished. Raises the same
        errors as `draw`."""
        ...


def check_inputs_supported(engine: ImageEngine, job: ImageJob) -> None:
    """Raise EngineMissing for an input of the job that the engine does not support."""
    for need in sorted(job.needed_inputs - engine.does):
        raise EngineMissing(f"engine.cannot_{need}", engine=engine.name)


@dataclass
class PurchaseRecord:
    """The record of one purchased picture. This class stores it in memory; the studio stores it in
    a table.

    `marker` is our ID and is sent with the order. If `since` is set, look for the order before
    requesting the picture again.
    """

    marker: str
    since: datetime | None = None
    """Time of the request (UTC-aware), even if no response arrived; None if it was not accepted."""
    order: str = ""
    """The seller's ID of the order, once known."""

    def mark_requested(self) -> None:
        """Record that a request which may cost money is about to be sent. Raises LeaseLost if
        another process holds the purchase."""
        self.since = wall_now()
        self.order = ""

    def mark_refused(self) -> None:
        """Record that the order was not accepted, or costs nothing."""
        self.since = None
        self.order = ""

    def mark_ordered(self, order: str) -> None:
        """Record the ID under which the seller accepted the order."""
        self.order = order

    def store_answer(self, answer: bytes) -> None:
        """Store the response of a seller that returns it only once, before it is processed."""

    def stored_answer(self) -> bytes:
        """Return the stored response, or empty bytes if there is none or it was deleted."""
        return b""


@runtime_checkable
class HostedImageEngine(Protocol):
    """A third-party engine that bills each picture. Prompts are sent to it."""

    name: str
    model: str

    def price(self, job: ImageJob) -> Price:
        """Return the price of the picture. Raises EngineMissing if the settings contain no price;
        the picture is then not bought."""
        ...

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        """Return the picture of the purchase: resume an earlier order if there is one, otherwise
        place one.

        Raises EngineError. An exception of `progress` is passed on, and the order continues.
        """
        ...

    def cancel(self, slip: PurchaseRecord) -> None:
        """Cancel the order at the seller, if possible; the record then says whether it was free of
        charge."""
        ...


@runtime_checkable
class LocalEngine(Protocol):
    """An engine whose model runs on this machine."""

    def device_message(self) -> Message:
        """Return a message about the device and its precision; may load packages. Raises
        EngineError if the model cannot run."""
        ...


@runtime_checkable
class SupportsModelList(Protocol):
    """An engine that can list the models that recipes may name besides its default."""

    def list_models(self) -> tuple[list[str], list[str]]:
        """Return the names of the engine's other models and of its LoRAs."""
        ...

    def model_problems(self) -> list[Message]:
        """Return the reasons why some of its model files cannot be used."""
        ...


@runtime_checkable
class ServedEngine(Protocol):
    """An engine on a separate server, which may be unreachable."""

    def check(self) -> None:
        """Check that the server responds. Raises EngineError if not."""
        ...


@dataclass(frozen=True)
class PromptMessage:
    """One message of a conversation with the model."""

    role: Literal["user", "assistant"]
    text: str
    images: tuple[bytes, ...] = field(default=(), repr=False)
    """JPEG or PNG files that a vision model receives with the text."""


@dataclass(frozen=True)
class CaptionBrief:
    """The facts of a picture for the template engine. `scene` uses English words, as in the
    prompt."""

    creator: str
    scene: str
    virtual: bool = False


@dataclass(frozen=True)
class OfferLine:
    """One entry of the closed list of offers. `id` is the model's name for it (o1 … o6), never a
    database ID."""

    id: str
    title: str


@dataclass(frozen=True)
class ChatBrief:
    """The facts of a chat turn for the template engine. `said` is the fan's joined messages.

    `memories` are facts that the fan stated, as pairs of a kind (name, birthday, like, dislike and
    others) and a value in the fan's language.
    """

    persona: str
    said: str
    offers: tuple[OfferLine, ...] = ()
    turn: int = 1
    virtual: bool = True
    memories: tuple[tuple[str, str], ...] = ()


TextLength = Literal["short", "medium", "long"]


@dataclass(frozen=True)
class PostBrief:
    """The facts of a post for the template engine, in the language of the job.

    `topic` and `picture` (an alt text) are texts of a member; `most` is the maximum length in
    characters. `links` is False where links in a text cannot be followed. Consecutive values of
    `number` give different texts.
    """

    topic: str
    picture: str = ""
    tone: str = ""
    length: TextLength = "medium"
    hashtags: int = 5
    most: int = 240
    links: bool = True
    number: int = 0


TextBrief = CaptionBrief | ChatBrief | PostBrief


@dataclass(frozen=True)
class TextJob:
    """One text to generate. With `schema` (a flat JSON schema in which every string has a
    maxLength), the answer is JSON.

    `language` is "fr" or "en"; `max_tokens` limits the answer; `brief` is the input of the template
    engine.
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
        """Return the SHA-256 of everything the model receives; it is stored with the text instead
        of the prompt."""
        said = [
            (turn.role, turn.text, *(hashlib.sha256(one).hexdigest() for one in turn.images))
            for turn in self.turns
        ]
        shown = [self.system, said, self.schema, self.language]
        return hashlib.sha256(canonical_json(shown)).hexdigest()


@dataclass(frozen=True)
class GeneratedText:
    """A text and its origin. `answer` is the parsed JSON if the job had a schema, else empty.

    The token counts include repeated requests.
    """

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
    """An engine for texts; threads may share it. A model reports each request to the job's ledger
    (`generators.text.model_calls`)."""

    name: str
    model: str
    languages: frozenset[str]
    """Languages in which the engine writes well enough for publication."""
    converses: bool
    """True if the engine fulfils the contract of a chat: answers that fit the message, and offers
    from a closed list."""

    def write(self, job: TextJob) -> GeneratedText:
        """Generate the text. Raises EngineError."""
        ...


class VisionEngine(TextEngine, Protocol):
    """A text engine that also accepts pictures."""

    hosted: bool
    """True if pictures are sent to a third party; adult and unrated pictures are then not sent."""
