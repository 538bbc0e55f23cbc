"""What the API takes in and gives out about runs of recipes, and the pictures of these."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from foundation.errors import BadInput
from gate.units import Rating
from generators import shapes
from generators.shapes import Shapes
from studio import beginnings, workings
from studio.beginnings import Beginning
from studio.costs import Bill
from studio.estimating import Estimate
from studio.parameters import LONGEST, Choice, Number, Parameter, YesNo
from studio.reads import Run
from studio.recipes import MOST_PICTURES
from studio.run_pictures import PictureState, RunPicture
from studio.states import JobState
from web.api_costs_models import BillOut
from web.api_inputs import In, RowsIn, Text
from web.api_models import ReasonOut, reason

MOST_SEED = 2**31 - 1
MOST_MASK = 180_000
"""Signs of a mask in base64; drawn in black and white, one takes a few thousand."""

RECIPE_ID = "0198c0de-0000-7000-8000-000000000013"
Seed = Annotated[int, Field(ge=0, le=MOST_SEED, description="The same seed and answers give the same prompts.")]
Count = Annotated[int, Field(ge=1, le=MOST_PICTURES, description="Pictures; as many as the recipe says without it.")]
Name = Annotated[Text, Field(max_length=60)]
Said = Annotated[Text, Field(max_length=LONGEST)] | int | bool


class RecipesWanted(RowsIn):
    """Which recipes."""

    creator: UUID | None = None


class PreviewWanted(In):
    """A run as it would be asked for."""

    seed: Seed | None = None
    count: Count | None = None
    answer: Annotated[
        list[Annotated[Text, Field(max_length=200)]],
        Field(
            default_factory=list,
            max_length=12,
            description="`name=words` for each question that is not answered as usual.",
        ),
    ]


class BeginIn(In):
    """The picture a run begins from, by its `media_id`: `anew` percent of it are made anew, with `part` or `mask` only
    there. A part is shapes in percent of the picture's sides; a mask a PNG in base64, light where it is made anew."""

    media_id: UUID
    anew: Annotated[int, Field(ge=beginnings.LEAST, le=beginnings.MOST)] = workings.USUAL_ANEW
    part: Annotated[Shapes, Field(default_factory=list)]
    mask: Annotated[str, Field(max_length=MOST_MASK, pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = ""

    def beginning(self) -> Beginning:
        """As the room takes it. Raises BadInput."""
        found = tuple(self.part)
        if self.mask:
            found = (*found, shapes.of_picture(_bytes(self.mask), name="mask.png"))
        return Beginning(self.media_id, self.anew, found or None)


class PostureIn(In):
    """The picture whose posture is taken, by its `media_id`, and how much it counts, in percent."""

    media_id: UUID
    weight: Annotated[int, Field(ge=workings.LEAST_WEIGHT, le=workings.MOST_WEIGHT)] = 100


def _bytes(said: str) -> bytes:
    try:
        return base64.b64decode(said, validate=True)
    except binascii.Error as error:
        raise BadInput("job.mask_unread") from error


class RunIn(In):
    """A run of a recipe. `begin` and `posture` exclude each other; without either, the recipe's own count."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"recipe_id": RECIPE_ID, "seed": 7, "count": 2}]})

    recipe_id: UUID
    seed: Seed | None = None
    count: Count | None = None
    answers: Annotated[
        dict[Name, Said],
        Field(default_factory=dict, max_length=12, description="By the name of each question not answered as usual."),
    ]
    begin: BeginIn | None = None
    posture: PostureIn | None = None


class QuestionOut(BaseModel):
    """What a recipe asks. A `choice` takes one of `options`; a `number` a whole one from `least` to `most`; a `text`
    at most `most` signs; `yes_no` true or false. `usual` is the answer of who says nothing."""

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
            options=list(one.options) if isinstance(one, Choice) else [],
            least=one.least if isinstance(one, Number) else None,
            most=None if isinstance(one, Choice | YesNo) else one.most,
            usual=one.usual,
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


class PreviewOut(BaseModel):
    """A run as it would come out: ask for it with this `seed`. `rating` is the least that its pictures get, `seconds` a
    guess, `cost` what is set aside for it (`0.12 USD`; null where nothing is billed), `refusal` why caps and budget do
    not hold it now, or why the picture that the recipe begins from may not be used."""

    recipe_id: UUID
    seed: int
    pictures: list[PromptOut]
    rating: Rating
    seconds: int
    cost: str | None
    refusal: ReasonOut | None

    @classmethod
    def of(cls, recipe_id: UUID, one: Estimate) -> "PreviewOut":
        """Of the room's value."""
        shots = [
            PromptOut(number=shot.number, prompt=shot.job.prompt, width=shot.job.width, height=shot.job.height)
            for shot in one.shots
        ]
        return cls(
            recipe_id=recipe_id,
            seed=one.seed,
            pictures=shots,
            rating=one.rating,
            seconds=one.seconds,
            cost=str(one.cost) if one.cost is not None else None,
            refusal=reason(one.refusal),
        )


class RunOut(BaseModel):
    """A run: `done` of `total` pictures are there or were refused (`refused`); `step` of `steps` of the one being made.
    `waits_until` where it waits for its hours or for the agency's next day; `reason` of one that failed; `lists` are
    the versions of shared lists of words it began with, by name."""

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
    def of(cls, one: Run, spent: Bill, lists: Mapping[str, int]) -> "RunOut":
        """Of the room's value, and what it cost so far."""
        names = ("id", "creator_id", "recipe", "version", "state", "seed", "done", "total", "refused", "step", "steps")
        said = {name: getattr(one, name) for name in names}
        more = {"waits_until": one.waits_until, "reason": reason(one.reason), "created_at": one.at}
        return cls(**said, **more, lists=dict(lists), spent=BillOut.of(spent))


class RunsPage(BaseModel):
    """A page of runs, the newest first; `next` is the cursor of the one after, null at the end."""

    items: list[RunOut]
    next: str | None


class RunPictureOut(BaseModel):
    """One picture of a run: `missing`, `waiting` for people who rate it or look at it, `ready` with its `media_id`,
    `withheld`, or `refused` by its seller. `cost` as `0.01 USD`, rounded up."""

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
        said = {name: getattr(one, name) for name in ("number", "state", "rating", "alt", "seconds")}
        cost = str(one.cost.times(1)) if one.cost is not None else None
        return cls(**said, media_id=one.asset_id, cost=cost, reason=reason(one.reason))


class RunPicturesOut(BaseModel):
    """Every picture of a run, by number."""

    items: list[RunPictureOut]
