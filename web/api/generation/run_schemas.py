"""What the API takes in and gives out about runs of recipes, and the pictures of these."""

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
"""Signs of a mask in base64; drawn in black and white, one takes a few thousand."""

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
    """Which recipes."""

    creator: UUID | None = None


class RunPreviewQuery(RequestModel):
    """A run as it would be asked for."""

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
    """The picture a run begins from, by its `media_id`: `anew` percent of it are made anew, with
    `part` or `mask` only there. A part is shapes in percent of the picture's sides; a mask a PNG in
    base64, light where it is made anew."""

    media_id: UUID
    anew: Annotated[int, Field(ge=input_pictures.MIN_STRENGTH, le=input_pictures.MAX_STRENGTH)] = (
        input_pictures.DEFAULT_STRENGTH
    )
    part: Annotated[MaskShapes, Field(default_factory=list)]
    mask: Annotated[str, Field(max_length=MAX_MASK_LENGTH, pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = ""

    def to_beginning(self) -> InitPicture:
        """As the room takes it. Raises BadInput."""
        found = tuple(self.part)
        if self.mask:
            found = (
                *found,
                region_shapes.mask_from_picture(_decode_mask(self.mask), name="mask.png"),
            )
        return InitPicture(self.media_id, self.anew, found or None)


class PostureIn(RequestModel):
    """The picture whose posture is taken, by its `media_id`, and how much it counts, in percent."""

    media_id: UUID
    weight: Annotated[int, Field(ge=input_pictures.MIN_WEIGHT, le=input_pictures.MAX_WEIGHT)] = 100


def _decode_mask(said: str) -> bytes:
    try:
        return base64.b64decode(said, validate=True)
    except binascii.Error as error:
        raise BadInput("job.mask_unread") from error


class RunIn(RequestModel):
    """A run of a recipe. `begin` and `posture` exclude each other; without either, the recipe's own
    count."""

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
    """What a recipe asks. A `choice` takes one of `options`; a `number` a whole one from `least` to
    `most`; a `text` at most `most` signs; `yes_no` true or false. `usual` is the answer of who says
    nothing."""

    name: str
    label: str
    kind: Literal["choice", "text", "number", "yes_no"]
    options: list[str]
    least: int | None
    most: int | None
    usual: str | int | bool

    @classmethod
    def of(cls, name: str, one: Parameter) -> "QuestionOut":
        """Of the room's value."""
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
    """The very words of one picture."""

    number: int
    prompt: str
    width: int
    height: int


class RunPreviewOut(BaseModel):
    """A run as it would come out: ask for it with this `seed`. `rating` is the least that its
    pictures get, `seconds` a guess, `cost` what is set aside for it (`0.12 USD`; null where nothing
    is billed), `refusal` why caps and budget do not hold it now, or why the picture that the recipe
    begins from may not be used."""

    recipe_id: UUID
    seed: int
    pictures: list[PromptOut]
    rating: Rating
    seconds: int
    cost: str | None
    refusal: ReasonOut | None

    @classmethod
    def of(cls, recipe_id: UUID, one: RunEstimate) -> "RunPreviewOut":
        """Of the room's value."""
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
    """A run: `done` of `total` pictures are there or were refused (`refused`); `step` of `steps` of
    the one being made. `waits_until` where it waits for its hours or for the agency's next day;
    `reason` of one that failed; `lists` are the versions of shared lists of words it began with, by
    name."""

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
        """Of the room's value, and what it cost so far."""
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
    """A page of runs, the newest first; `next` is the cursor of the one after, null at the end."""

    items: list[RunOut]
    next: str | None


class RunPictureOut(BaseModel):
    """One picture of a run: `missing`, `waiting` for people who rate it or look at it, `ready` with
    its `media_id`, `withheld`, or `refused` by its seller. `cost` as `0.01 USD`, rounded up."""

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
        """Of the room's value."""
        said = {
            name: getattr(one, name) for name in ("number", "state", "rating", "alt", "seconds")
        }
        cost = str(one.cost.total(1)) if one.cost is not None else None
        return cls(**said, media_id=one.asset_id, cost=cost, reason=reason_out(one.reason))


class RunPicturesOut(BaseModel):
    """Every picture of a run, by number."""

    items: list[RunPictureOut]
