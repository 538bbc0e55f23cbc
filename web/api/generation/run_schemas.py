"""Requests and responses about runs of recipes and their pictures."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from gate.contract.units import Rating
from generators.retouch import region_shapes
from generators.retouch.region_shapes import MaskShapes
from studio.costs.cost_report import SpendingTotal
from studio.recipes import input_pictures
from studio.recipes.input_pictures import InitPicture
from studio.recipes.parameters import (
    MAX_ANSWER_LENGTH,
    BooleanParameter,
    ChoiceParameter,
    NumberParameter,
    Parameter,
)
from studio.recipes.specs import MAX_PICTURES
from studio.runs.estimates import RunEstimate
from studio.runs.output_pictures import PictureState, RunPicture
from studio.runs.queries import RunSummary
from studio.runs.states import JobState
from web.api.common.schemas import PageQuery, ReasonOut, RequestModel, StorableText, reason_out
from web.api.generation.cost_schemas import BillOut

MAX_SEED = 2**31 - 1
MAX_MASK_LENGTH = 180_000
"""Maximum number of characters of a mask in base64. A black and white mask has a few thousand
characters."""

EXAMPLE_RECIPE_ID = "0198c0de-0000-7000-8000-000000000013"
Seed = Annotated[
    int, Field(ge=0, le=MAX_SEED, description="The same seed and answers give the same prompts.")
]
Count = Annotated[
    int,
    Field(ge=1, le=MAX_PICTURES, description="Number of images; by default that of the template."),
]
Name = Annotated[StorableText, Field(max_length=60)]
AnswerValue = Annotated[StorableText, Field(max_length=MAX_ANSWER_LENGTH)] | int | bool


class RecipesQuery(PageQuery):
    """The recipes to list."""

    creator: UUID | None = None


class RunPreviewQuery(RequestModel):
    """The run to preview."""

    seed: Seed | None = None
    count: Count | None = None
    answer: Annotated[
        list[Annotated[StorableText, Field(max_length=200)]],
        Field(
            default_factory=list,
            max_length=12,
            description="`name=value` for each question with an answer other than the default.",
        ),
    ]


class BeginIn(RequestModel):
    """The initial picture of a run, and the percentage of it to generate again. `part` or `mask`
    limits that to an area: a part is a list of shapes in percent of the picture's sides; a mask is
    a PNG in base64 that is light in the area to generate."""

    media_id: UUID
    anew: Annotated[int, Field(ge=input_pictures.MIN_STRENGTH, le=input_pictures.MAX_STRENGTH)] = (
        input_pictures.DEFAULT_STRENGTH
    )
    part: Annotated[MaskShapes, Field(default_factory=list)]
    mask: Annotated[str, Field(max_length=MAX_MASK_LENGTH, pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = ""

    def to_beginning(self) -> InitPicture:
        """Convert to the value that `studio` expects. Raises BadInput for an invalid mask."""
        found = tuple(self.part)
        if self.mask:
            found = (
                *found,
                region_shapes.mask_from_picture(_decode_mask(self.mask), name="mask.png"),
            )
        return InitPicture(self.media_id, self.anew, found or None)


class PostureIn(RequestModel):
    """The picture whose pose the run reproduces, and its weight in percent."""

    media_id: UUID
    weight: Annotated[int, Field(ge=input_pictures.MIN_WEIGHT, le=input_pictures.MAX_WEIGHT)] = 100


def _decode_mask(said: str) -> bytes:
    try:
        return base64.b64decode(said, validate=True)
    except binascii.Error as error:
        raise BadInput("job.mask_unread") from error


class RunIn(RequestModel):
    """A run of a recipe. `begin` and `posture` exclude each other. Without either, those of the
    recipe apply."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"recipe_id": EXAMPLE_RECIPE_ID, "seed": 7, "count": 2}]}
    )

    recipe_id: UUID
    seed: Seed | None = None
    count: Count | None = None
    answers: Annotated[
        dict[Name, AnswerValue],
        Field(
            default_factory=dict,
            max_length=12,
            description="Answers other than the default, by question name.",
        ),
    ]
    begin: BeginIn | None = None
    posture: PostureIn | None = None


class QuestionOut(BaseModel):
    """A parameter of a recipe. A `choice` accepts one of `options`, a `number` an integer from
    `least` to `most`, a `text` at most `most` characters, and `yes_no` a boolean. `usual` is the
    default."""

    name: str
    label: str
    kind: Literal["choice", "text", "number", "yes_no"]
    options: list[str]
    least: int | None
    most: int | None
    usual: str | int | bool

    @classmethod
    def of(cls, name: str, one: Parameter) -> "QuestionOut":
        return cls(
            name=name,
            label=one.label or name,
            kind=one.kind,
            options=list(one.options) if isinstance(one, ChoiceParameter) else [],
            least=one.least if isinstance(one, NumberParameter) else None,
            most=None if isinstance(one, ChoiceParameter | BooleanParameter) else one.most,
            usual=one.default_value,
        )


class SizeOut(BaseModel):
    """A size in pixels."""

    width: int
    height: int


class PromptOut(BaseModel):
    """The final prompt of one picture."""

    number: int
    prompt: str
    width: int
    height: int


class RunPreviewOut(BaseModel):
    """The preview of a run; start it with this `seed` to get the same prompts. `rating` is the
    lowest rating of its pictures, `seconds` an estimate, and `cost` the reserved amount (`0.12
    USD`, or null if nothing is billed). `refusal` is set if a cap, the budget or the initial
    picture prevents the run."""

    recipe_id: UUID
    seed: int
    pictures: list[PromptOut]
    rating: Rating
    seconds: int
    cost: str | None
    refusal: ReasonOut | None

    @classmethod
    def of(cls, recipe_id: UUID, one: RunEstimate) -> "RunPreviewOut":
        shots = [
            PromptOut(
                number=shot.number,
                prompt=shot.job.prompt,
                width=shot.job.width,
                height=shot.job.height,
            )
            for shot in one.shots
        ]
        return cls(
            recipe_id=recipe_id,
            seed=one.seed,
            pictures=shots,
            rating=one.rating,
            seconds=one.seconds,
            cost=str(one.cost) if one.cost is not None else None,
            refusal=reason_out(one.refusal),
        )


class RunOut(BaseModel):
    """A run. `done` of `total` pictures are finished, including those `refused`; the current
    picture is at `step` of `steps`. `waits_until` is set while the run waits for its permitted
    hours or the next day's quota, `reason` if it failed. `lists` maps wildcard lists to the
    versions in use."""

    id: UUID
    creator_id: UUID
    recipe: str
    version: int
    state: JobState
    seed: int
    done: int
    total: int
    refused: int
    step: int
    steps: int
    waits_until: datetime | None
    reason: ReasonOut | None
    created_at: datetime
    lists: dict[str, int]
    spent: BillOut

    @classmethod
    def of(cls, one: RunSummary, spent: SpendingTotal, lists: Mapping[str, int]) -> "RunOut":
        names = (
            "id",
            "creator_id",
            "recipe",
            "version",
            "state",
            "seed",
            "done",
            "total",
            "refused",
            "step",
            "steps",
        )
        said = {name: getattr(one, name) for name in names}
        more = {
            "waits_until": one.waits_until,
            "reason": reason_out(one.reason),
            "created_at": one.at,
        }
        return cls(**said, **more, lists=dict(lists), spent=BillOut.of(spent))


class RunsPage(BaseModel):
    """A page of runs, newest first. `next` is the cursor of the next page, or null."""

    items: list[RunOut]
    next: str | None


class RunPictureOut(BaseModel):
    """A picture of a run: `missing`, `waiting` for rating or review, `ready` with its `media_id`,
    `withheld`, or `refused` by the provider. `cost` is rounded up (`0.01 USD`)."""

    number: int
    state: PictureState
    media_id: UUID | None
    rating: Rating | None
    alt: str
    seconds: float | None
    cost: str | None
    reason: ReasonOut | None

    @classmethod
    def of(cls, one: RunPicture) -> "RunPictureOut":
        said = {
            name: getattr(one, name) for name in ("number", "state", "rating", "alt", "seconds")
        }
        cost = str(one.cost.total(1)) if one.cost is not None else None
        return cls(**said, media_id=one.asset_id, cost=cost, reason=reason_out(one.reason))


class RunPicturesOut(BaseModel):
    """The pictures of a run, sorted by number."""

    items: list[RunPictureOut]
