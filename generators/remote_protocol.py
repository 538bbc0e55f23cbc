"""What crosses the wire between the house and a machine that makes pictures for it; both sides read
these same forms.

The machine is asked for pictures by their numbers in a run, and says what it made under a lease.
Bounds hold for both: neither believes the other's sizes.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generators.contract.engines import ImageJob, Lora, OriginLabel
from generators.retouch import masks
from generators.retouch.region_shapes import MaskShapes

PROTOCOL_VERSION = 3
"""Of these forms; a house and a machine of other versions say so and part."""

MAX_PICTURE_BYTES = 24 * 2**20
"""Of a picture: the largest a recipe asks for, without any compression, is half of it."""

RESULT_HEADER = "greenroom-made"
"""The header that says, as `Made` in ASCII JSON, what the body is."""

MAX_RESULT_HEADER = 8192


def _reject_nul(said: str) -> str:
    if "\x00" in said:
        raise ValueError("what fits in no column of PostgreSQL")
    return said


WireText = Annotated[str, AfterValidator(_reject_nul)]
WireName = Annotated[WireText, Field(max_length=200)]
WireDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Value = (
    Annotated[WireText, Field(max_length=2000)]
    | Annotated[int, Field(ge=-(2**63), lt=2**63)]
    | float
)


class WireMessage(BaseModel):
    """What is said here: nothing unknown, and never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RemoteWorkerCapabilities(WireMessage):
    """What a machine has. `models` are the names recipes may ask for beside none; `on` is its
    device, in words."""

    engine: WireName
    model: WireName
    models: Annotated[list[WireName], Field(max_length=500)] = []
    loras: Annotated[list[WireName], Field(max_length=2000)] = []
    does: Annotated[list[WireName], Field(max_length=20)] = []
    on: WireName = ""
    release: WireName = ""

    def can_make(self, *, model: str, loras: list[str], needs: frozenset[str]) -> bool:
        """Whether it can make what a recipe asks for; `needs` as `ImageJob.asks`, LoRAs left
        out."""
        whole = needs | {"loras"} if loras else needs
        return (
            model in ("", self.model, *self.models)
            and set(loras) <= set(self.loras)
            and whole <= set(self.does)
        )


class WorkRequest(WireMessage):
    """A machine asks for work. `instance` is its program's own: asked twice, it is answered with
    the same lease."""

    version: int
    instance: UUID
    able: RemoteWorkerCapabilities


class PictureOrder(WireMessage):
    """One picture to make: an `ImageJob` and its number in the run. The pictures it works from are
    named by their SHA-256 and asked for apart; of what it begins from, a region or shapes alone may
    be made anew (`generators.retouch.masks`)."""

    number: Annotated[int, Field(ge=0, lt=1000)]
    prompt: Annotated[str, Field(max_length=10_000)]
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    negative: Annotated[str, Field(max_length=10_000)]
    width: int
    height: int
    steps: Annotated[int, Field(ge=1, le=1000)]
    guidance: float
    model: WireName
    scheduler: WireName
    loras: list[tuple[WireName, float]]
    strength: float
    reference_weight: float
    pose_weight: float
    init: WireDigest | Literal[""] = ""
    region: tuple[int, int, int, int] | None = None
    shapes: MaskShapes = []
    references: Annotated[list[WireDigest], Field(max_length=16)] = []
    pose: WireDigest | Literal[""] = ""

    @classmethod
    def from_job(cls, number: int, job: ImageJob, **pictures: Any) -> "PictureOrder":
        """As it is sent: what the job says, and the pictures it works from (`init`, `region`,
        `shapes`, `references`, `pose`)."""
        loras = [(one.name, one.weight) for one in job.loras]
        return cls(
            number=number, loras=loras, **{name: getattr(job, name) for name in _PLAIN}, **pictures
        )

    def to_job(self, fetch: Callable[[str], bytes]) -> ImageJob:
        """As an engine is asked, with the pictures that `fetch` finds. Raises JobTooLarge and
        ValueError as `ImageJob`, and BadInput for a region that is none."""
        init = fetch(self.init) if self.init else b""
        part = masks.MaskRegion(*self.region) if self.region else tuple(self.shapes)
        return ImageJob(
            loras=tuple(Lora(*one) for one in self.loras),
            init=init,
            mask=masks.mask_for_picture(part, init) if part else b"",
            references=tuple(map(fetch, self.references)),
            pose=fetch(self.pose) if self.pose else b"",
            **{name: getattr(self, name) for name in _PLAIN},
        )


_PLAIN = (
    *("prompt", "seed", "negative", "width", "height", "steps", "guidance", "model", "scheduler"),
    *("strength", "reference_weight", "pose_weight"),
)


class LeasedPictures(WireMessage):
    """Pictures of one run, to be made within a lease that ends after `seconds` of silence."""

    lease: UUID
    seconds: Annotated[float, Field(gt=0, le=3600)]
    pictures: Annotated[list[PictureOrder], Field(min_length=1, max_length=100)]


class MaterialRequest(WireMessage):
    """A machine asks for a picture that those of its lease work from."""

    lease: UUID
    sha256: WireDigest


class WorkResponse(WireMessage):
    """What a machine is answered: pictures, or nothing for so many seconds."""

    lent: LeasedPictures | None = None
    wait: Annotated[float, Field(ge=0, le=3600)] = 0


class LeaseHeartbeat(WireMessage):
    """The machine is at it: so many of so many steps."""

    lease: UUID
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    steps: Annotated[int, Field(ge=0, lt=2**31)] = 0


class HeartbeatResponse(WireMessage):
    """Go on; or stop, since a person ended the run; or the lease is somebody else's, or over."""

    state: Literal["go", "stop", "lost"]


class PictureResult(WireMessage):
    """What a machine says of a picture it made, whose bytes come with it."""

    lease: UUID
    number: Annotated[int, Field(ge=0, lt=1000)]
    sha256: WireDigest
    engine: Literal["diffusion", "comfyui", "placeholder"]
    model: WireName
    label: Literal["", OriginLabel.PLACEHOLDER, OriginLabel.DEMO]
    """Drawn scenes and tiles are the house's own: they count as no model's work, which a machine
    may not claim."""
    seconds: Annotated[float, Field(ge=0, le=1_000_000)]
    parameters: Annotated[
        dict[Annotated[WireText, Field(max_length=40)], Value], Field(max_length=40)
    ] = {}


class LeaseReturn(WireMessage):
    """A machine gives a lease back: it leaves, it may try again later, or this can never be made,
    as `code` says."""

    lease: UUID
    why: Literal["left", "later", "never"]
    code: Annotated[str, Field(pattern=r"^[a-z_.]{0,60}$")] = ""
    params: Annotated[
        dict[Annotated[WireText, Field(max_length=40)], WireName | int], Field(max_length=10)
    ] = {}
