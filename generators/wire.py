"""What crosses the wire between the house and a machine that makes pictures for it; both sides read these same forms.

The machine is asked for pictures by their numbers in a run, and says what it made under a lease. Bounds hold for both:
neither believes the other's sizes.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generators import masks
from generators.contract import ImageJob, Label, Lora
from generators.shapes import Shapes

VERSION = 3
"""Of these forms; a house and a machine of other versions say so and part."""

MOST_BYTES = 24 * 2**20
"""Of a picture: the largest a recipe asks for, without any compression, is half of it."""

MADE = "greenroom-made"
"""The header that says, as `Made` in ASCII JSON, what the body is."""

LONGEST_MADE = 8192


def _kept(said: str) -> str:
    if "\x00" in said:
        raise ValueError("what fits in no column of PostgreSQL")
    return said


Text = Annotated[str, AfterValidator(_kept)]
Name = Annotated[Text, Field(max_length=200)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Value = Annotated[Text, Field(max_length=2000)] | Annotated[int, Field(ge=-(2**63), lt=2**63)] | float


class Form(BaseModel):
    """What is said here: nothing unknown, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Able(Form):
    """What a machine has. `models` are the names recipes may ask for beside none; `on` is its device, in words."""

    engine: Name
    model: Name
    models: Annotated[list[Name], Field(max_length=500)] = []
    loras: Annotated[list[Name], Field(max_length=2000)] = []
    does: Annotated[list[Name], Field(max_length=20)] = []
    on: Name = ""
    release: Name = ""

    def fits(self, *, model: str, loras: list[str], needs: frozenset[str]) -> bool:
        """Whether it can make what a recipe asks for; `needs` as `ImageJob.asks`, LoRAs left out."""
        whole = needs | {"loras"} if loras else needs
        return model in ("", self.model, *self.models) and set(loras) <= set(self.loras) and whole <= set(self.does)


class WorkWanted(Form):
    """A machine asks for work. `instance` is its program's own: asked twice, it is answered with the same lease."""

    version: int
    instance: UUID
    able: Able


class Asked(Form):
    """One picture to make: an `ImageJob` and its number in the run. The pictures it works from are named by their
    SHA-256 and asked for apart; of what it begins from, a region or shapes alone may be
    made anew (`generators.masks`)."""

    number: Annotated[int, Field(ge=0, lt=1000)]
    prompt: Annotated[str, Field(max_length=10_000)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    negative: Annotated[str, Field(max_length=10_000)]
    width: int
    height: int
    steps: Annotated[int, Field(ge=1, le=1000)]
    guidance: float
    model: Name
    scheduler: Name
    loras: list[tuple[Name, float]]
    strength: float
    reference_weight: float
    pose_weight: float
    init: Digest | Literal[""] = ""
    region: tuple[int, int, int, int] | None = None
    shapes: Shapes = []
    references: Annotated[list[Digest], Field(max_length=16)] = []
    pose: Digest | Literal[""] = ""

    @classmethod
    def of(cls, number: int, job: ImageJob, **pictures: Any) -> "Asked":
        """As it is sent: what the job says, and the pictures it works from (`init`, `region`, `shapes`, `references`,
        `pose`)."""
        loras = [(one.name, one.weight) for one in job.loras]
        return cls(number=number, loras=loras, **{name: getattr(job, name) for name in _PLAIN}, **pictures)

    def job(self, fetch: Callable[[str], bytes]) -> ImageJob:
        """As an engine is asked, with the pictures that `fetch` finds. Raises JobTooLarge and ValueError as `ImageJob`,
        and BadInput for a region that is none."""
        init = fetch(self.init) if self.init else b""
        part = masks.Region(*self.region) if self.region else tuple(self.shapes)
        return ImageJob(
            loras=tuple(Lora(*one) for one in self.loras),
            init=init,
            mask=masks.over(part, init) if part else b"",
            references=tuple(map(fetch, self.references)),
            pose=fetch(self.pose) if self.pose else b"",
            **{name: getattr(self, name) for name in _PLAIN},
        )


_PLAIN = (
    *("prompt", "seed", "negative", "width", "height", "steps", "guidance", "model", "scheduler"),
    *("strength", "reference_weight", "pose_weight"),
)


class Lent(Form):
    """Pictures of one run, to be made within a lease that ends after `seconds` of silence."""

    lease: UUID
    seconds: Annotated[float, Field(gt=0, le=3600)]
    pictures: Annotated[list[Asked], Field(min_length=1, max_length=100)]


class Material(Form):
    """A machine asks for a picture that those of its lease work from."""

    lease: UUID
    sha256: Digest


class Work(Form):
    """What a machine is answered: pictures, or nothing for so many seconds."""

    lent: Lent | None = None
    wait: Annotated[float, Field(ge=0, le=3600)] = 0


class Beat(Form):
    """The machine is at it: so many of so many steps."""

    lease: UUID
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    steps: Annotated[int, Field(ge=0, lt=2**31)] = 0


class Heard(Form):
    """Go on; or stop, since a person ended the run; or the lease is somebody else's, or over."""

    state: Literal["go", "stop", "lost"]


class Made(Form):
    """What a machine says of a picture it made, whose bytes come with it."""

    lease: UUID
    number: Annotated[int, Field(ge=0, lt=1000)]
    sha256: Digest
    engine: Literal["diffusion", "comfyui", "placeholder"]
    model: Name
    label: Literal["", Label.PLACEHOLDER, Label.DEMO]
    """Drawn scenes and tiles are the house's own: they count as no model's work, which a machine may not claim."""
    seconds: Annotated[float, Field(ge=0, le=1_000_000)]
    parameters: Annotated[dict[Annotated[Text, Field(max_length=40)], Value], Field(max_length=40)] = {}


class Given(Form):
    """A machine gives a lease back: it leaves, it may try again later, or this can never be made, as `code` says."""

    lease: UUID
    why: Literal["left", "later", "never"]
    code: Annotated[str, Field(pattern=r"^[a-z_.]{0,60}$")] = ""
    params: Annotated[dict[Annotated[Text, Field(max_length=40)], Name | int], Field(max_length=10)] = {}
