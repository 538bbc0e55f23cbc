"""Requests and responses about recipes."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from generators.retouch.region_shapes import MaskShapes
from studio.recipes import input_pictures, wildcards
from studio.recipes.parameters import Parameter
from studio.recipes.queries import RecipeSummary
from studio.recipes.specs import MAX_PICTURES, MAX_RECIPE_NAME, EngineName, LoraName, Sampler
from web.api.common.schemas import EXAMPLE_CREATOR_ID, RequestModel, StorableText
from web.api.generation.run_schemas import BeginIn, PostureIn, QuestionOut, SizeOut

Name = Annotated[StorableText, Field(min_length=1, max_length=MAX_RECIPE_NAME)]
Prompt = Annotated[StorableText, Field(min_length=1, max_length=500)]
Word = Annotated[StorableText, Field(min_length=1, max_length=80)]
Side = Annotated[int, Field(ge=64, le=2048, multiple_of=8)]
FormatName = Literal["feed", "story", "square", "wide"]
Formats = Annotated[
    list[FormatName],
    Field(description="Formats in which each scene is generated; by default `width` × `height`."),
]


class RecipeChange(RequestModel):
    """Changes to a recipe. Omitted fields keep their value. `null` removes `seed`, `begin` or
    `posture`. A recipe cannot have both `begin` and `posture`."""

    prompt: Prompt = ""
    negative: Annotated[StorableText, Field(max_length=500)] = ""
    words: Annotated[dict[StorableText, list[Word]], Field(default_factory=dict)]
    weights: Annotated[
        dict[StorableText, dict[StorableText, Annotated[int, Field(ge=1, le=100)]]],
        Field(default_factory=dict),
    ]
    parameters: Annotated[
        dict[StorableText, Parameter],
        Field(default_factory=dict, description="The questions of the template, by name."),
    ]
    variants: Annotated[
        int, Field(ge=1, le=MAX_PICTURES, description="Number of scenes in a run.")
    ] = 3
    formats: Annotated[Formats, Field(default_factory=list)]
    width: Side = 1600
    height: Side = 1200
    steps: Annotated[int, Field(ge=1, le=100)] = 20
    guidance: Annotated[int, Field(ge=1, le=30)] = 6
    engine: EngineName = ""
    model: Annotated[StorableText, Field(max_length=200)] = ""
    sampler: Sampler = ""
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    loras: Annotated[
        dict[LoraName, Annotated[int, Field(ge=1, le=200)]], Field(default_factory=dict)
    ]
    look: Annotated[int, Field(ge=0, le=100)] = 0
    begin: Annotated[BeginIn | None, Field(description="Default start image of runs.")] = None
    posture: Annotated[PostureIn | None, Field(description="Default pose image of runs.")] = None
    budget: Annotated[
        StorableText,
        Field(max_length=60, description="Maximum cost of a run, such as `2.50 USD`."),
    ] = ""

    @property
    def to_changes(self) -> dict[str, Any]:
        """The changes in the form that `studio` expects. Raises BadInput for an invalid mask."""
        found = self.model_dump(
            exclude_unset=True, exclude={"creator_id", "formats", "begin", "posture"}
        )
        if "formats" in self.model_fields_set:
            found["sizes"] = self.formats
        if "begin" in self.model_fields_set:
            found["begin"] = (
                input_pictures.init_picture_spec(self.begin.to_beginning())
                if self.begin is not None
                else None
            )
        if "posture" in self.model_fields_set:
            pose = self.posture
            found["posture"] = (
                input_pictures.pose_reference_spec(pose.media_id, pose.weight)
                if pose is not None
                else None
            )
        return found


_MORNING: dict[str, Any] = {
    "creator_id": EXAMPLE_CREATOR_ID,
    "name": "Morning outdoors",
    "prompt": "{place}, early morning, soft light",
    "words": {"place": ["a quiet beach", "a forest path"]},
}


class RecipeIn(RecipeChange):
    """A new recipe. Its prompt replaces each `{word}` with a value from `words` or `parameters`,
    and each `{@name}` with one from a wildcard list."""

    model_config = ConfigDict(json_schema_extra={"examples": [_MORNING]})

    creator_id: UUID
    name: Name
    prompt: Prompt


class BeginOut(BaseModel):
    """The initial picture of runs, the percentage of it to generate again, and the part to which
    that is limited (empty for the whole picture)."""

    media_id: UUID
    anew: int
    part: MaskShapes


class PostureOut(BaseModel):
    """The picture whose pose is reproduced in runs, with a `weight` in percent."""

    media_id: UUID
    weight: int


class RecipeOut(BaseModel):
    """The current version of a recipe. Every change creates a version with a new `id`. `pictures`
    is the number of pictures of a run, `budget` its maximum cost (empty for no limit), `lists` are
    the wildcard lists in the prompt, `questions` are the `parameters` that a run may set, and
    `sizes` are the `formats` in pixels."""

    id: UUID
    creator_id: UUID
    name: str
    version: int
    prompt: str
    negative: str
    words: dict[str, list[str]]
    weights: dict[str, dict[str, int]]
    lists: list[str]
    parameters: dict[str, Parameter]
    questions: list[QuestionOut]
    variants: int
    pictures: int
    formats: list[FormatName]
    sizes: list[SizeOut]
    steps: int
    guidance: int
    engine: str
    model: str
    sampler: str
    seed: int | None
    loras: dict[str, int]
    look: int
    begin: BeginOut | None
    posture: PostureOut | None
    budget: str

    @classmethod
    def of(cls, creator_id: UUID, one: RecipeSummary) -> "RecipeOut":
        spec = one.spec
        begin = spec.begin
        pose = spec.posture
        works: dict[str, Any] = {
            "begin": BeginOut(media_id=UUID(begin.asset), anew=begin.anew, part=begin.part)
            if begin
            else None,
            "posture": PostureOut(media_id=UUID(pose.asset), weight=pose.weight) if pose else None,
        }
        return cls(
            id=one.id,
            creator_id=creator_id,
            version=one.version,
            lists=wildcards.wildcard_names_in(spec.prompt),
            questions=[QuestionOut.of(*each) for each in spec.questions],
            formats=list(spec.sizes),
            sizes=[SizeOut(width=width, height=height) for width, height in spec.edges],
            **works,
            pictures=spec.picture_count,
            **{name: getattr(spec, name) for name in _PLAIN},
        )


_PLAIN = (
    *(
        "name",
        "prompt",
        "negative",
        "words",
        "weights",
        "parameters",
        "variants",
        "steps",
        "guidance",
    ),
    *("engine", "model", "sampler", "seed", "loras", "look", "budget"),
)
"""Fields with the same name in the recipe's specification."""


class RecipesPage(BaseModel):
    """A page of recipes. `next` is the cursor of the next page, or null."""

    items: list[RecipeOut]
    next: str | None
