"""The protocol between an installation and an agency's remote workers. Both sides use these models.

A worker requests pictures by their number in a run and reports its results under a lease. Both
sides enforce the limits, because neither trusts the sizes that the other sends.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from generators.contract.engines import ImageJob, Lora, OriginLabel
from generators.retouch import masks
from generators.retouch.region_shapes import MaskShapes

PROTOCOL_VERSION = 3
"""Protocol version. An installation and a worker with different versions report this and
disconnect."""

MAX_PICTURE_BYTES = 24 * 2**20
"""Maximum size of a picture in bytes: twice the largest uncompressed picture of a recipe."""

RESULT_HEADER = "greenroom-made"
"""HTTP header that describes the body, a `PictureResult` in ASCII JSON."""

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
    """Base class of all messages, which are immutable and reject unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class RemoteWorkerCapabilities(WireMessage):
    """The capabilities of a worker. `models` are the names that recipes may use, in addition to
    `model` and the empty name; `on` describes its device."""

    engine: WireName
    model: WireName
    models: Annotated[list[WireName], Field(max_length=500)] = []
    loras: Annotated[list[WireName], Field(max_length=2000)] = []
    does: Annotated[list[WireName], Field(max_length=20)] = []
    on: WireName = ""
    release: WireName = ""

    def can_make(self, *, model: str, loras: list[str], needs: frozenset[str]) -> bool:
        """Return True if the worker can make a picture with this model, these LoRAs and the inputs
        `needs` (as `ImageJob.needed_inputs`, without LoRAs)."""
        whole = needs | {"loras"} if loras else needs
        return (
            model in ("", self.model, *self.models)
            and set(loras) <= set(self.loras)
            and whole <= set(self.does)
        )


class WorkRequest(WireMessage):
    """A worker's request for work. `instance` identifies its process: a repeated request gets the
    same lease."""

    version: int
    instance: UUID
    able: RemoteWorkerCapabilities


class PictureOrder(WireMessage):
    """One picture to make: an `ImageJob` and its number in the run.

    Input pictures are named by their SHA-256 and fetched separately. The part of an initial picture
    that may be repainted can be limited to a region or to shapes (`generators.retouch.masks`).
    """

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
        """Return the order for a job and its input pictures (`init`, `region`, `shapes`,
        `references`, `pose`)."""
        loras = [(one.name, one.weight) for one in job.loras]
        return cls(
            number=number, loras=loras, **{name: getattr(job, name) for name in _PLAIN}, **pictures
        )

    def to_job(self, fetch: Callable[[str], bytes]) -> ImageJob:
        """Return the job for an engine, with the pictures returned by `fetch`.

        Raises JobTooLarge and ValueError like `ImageJob`, and BadInput for an invalid region.
        """
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
    """Pictures of one run under a lease that ends after `seconds` without a heartbeat."""

    lease: UUID
    seconds: Annotated[float, Field(gt=0, le=3600)]
    pictures: Annotated[list[PictureOrder], Field(min_length=1, max_length=100)]


class MaterialRequest(WireMessage):
    """A worker's request for an input picture of its lease."""

    lease: UUID
    sha256: WireDigest


class WorkResponse(WireMessage):
    """The response to a request for work: pictures, or the seconds to wait."""

    lent: LeasedPictures | None = None
    wait: Annotated[float, Field(ge=0, le=3600)] = 0


class LeaseHeartbeat(WireMessage):
    """A worker's progress in steps."""

    lease: UUID
    step: Annotated[int, Field(ge=0, lt=2**31)] = 0
    steps: Annotated[int, Field(ge=0, lt=2**31)] = 0


class HeartbeatResponse(WireMessage):
    """The response to a heartbeat: `go` to continue; `stop` if a member ended the run; `lost` if
    the lease ended or belongs to another worker."""

    state: Literal["go", "stop", "lost"]


class PictureResult(WireMessage):
    """A worker's description of a picture, sent with its bytes."""

    lease: UUID
    number: Annotated[int, Field(ge=0, lt=1000)]
    sha256: WireDigest
    engine: Literal["diffusion", "comfyui", "placeholder"]
    model: WireName
    label: Literal["", OriginLabel.PLACEHOLDER, OriginLabel.DEMO]
    """The label of the picture's origin. Labels of drawn scenes and tiles are not allowed, because
    such pictures do not count as the work of a model."""
    seconds: Annotated[float, Field(ge=0, le=1_000_000)]
    parameters: Annotated[
        dict[Annotated[WireText, Field(max_length=40)], Value], Field(max_length=40)
    ] = {}


class LeaseReturn(WireMessage):
    """The return of a lease by a worker that shuts down, that may retry later, or that can never
    make the picture, for the reason in `code`."""

    lease: UUID
    why: Literal["left", "later", "never"]
    code: Annotated[str, Field(pattern=r"^[a-z_.]{0,60}$")] = ""
    params: Annotated[
        dict[Annotated[WireText, Field(max_length=40)], WireName | int], Field(max_length=10)
    ] = {}
