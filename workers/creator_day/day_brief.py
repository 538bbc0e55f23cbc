"""A creator's brief: the contents of a day, in YAML, read and checked completely before a day
starts."""

from collections.abc import Iterator, Sequence
from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, field_validator

from foundation.errors import BadInput
from foundation.ops.wall_time import parse_clock_time
from gate.contract.states import DepictionAnswer
from studio.recipes import specs, wildcards
from studio.recipes.specs import RecipeSpec
from studio.recipes.wildcards import Name as ListName
from studio.recipes.wildcards import Wildcard
from workers.terminal.yaml_models import FILE_CONFIG, format_path, read_yaml_model

PHOTO_SOURCE = "photos"
"""The source of pictures that is not a recipe: the photo folder of the day, else the library."""

Words = Annotated[str, Field(min_length=1, max_length=1000)]
Name = Annotated[str, Field(min_length=1, max_length=60)]
Rules = Annotated[list[Words], Field(max_length=50)]


class BriefModel(BaseModel):
    """A part of the brief; an unknown key is an error."""

    model_config = FILE_CONFIG


class PersonaBrief(BriefModel):
    """The persona that answers chat messages."""

    card: Words
    voice: Words
    rules: Rules = []
    forbidden: Rules = []


class SlotBrief(BriefModel):
    """A time of the day with its channels and the source of its picture (`photos` or a recipe)."""

    at: Annotated[str, Field(pattern=r"^[0-9]{1,2}:[0-9]{2}$")]
    channels: Annotated[list[Name], Field(min_length=1, max_length=24)]
    picture: Name = PHOTO_SOURCE

    @field_validator("at")
    @classmethod
    def _is_a_time(cls, text: str) -> str:
        try:
            parse_clock_time(text.zfill(5))
        except BadInput as error:
            raise ValueError("not a time of day such as 10:00") from error
        return text.zfill(5)

    @property
    def local_time(self) -> time:
        """The time of day in the creator's time zone."""
        return parse_clock_time(self.at)


class PriceBrief(BriefModel):
    """The price of a pack in minor units of a currency."""

    amount: Annotated[int, Field(gt=0, le=10_000_000)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]


class PackBrief(BriefModel):
    """A pack for sale with `pictures` pictures from `photos` or from a recipe."""

    slug: Annotated[str, Field(pattern=r"^[a-z0-9-]{2,40}$")]
    title: Annotated[str, Field(min_length=1, max_length=32)]
    description: Annotated[str, Field(max_length=255)] = ""
    picture: Name = PHOTO_SOURCE
    pictures: Annotated[int, Field(ge=1, le=40)] = 3
    price: PriceBrief


class Brief(BriefModel):
    """A complete brief."""

    tone: Words
    languages: Annotated[
        list[Annotated[str, Field(pattern="^(fr|en)$")]], Field(min_length=1, max_length=2)
    ]
    persona: PersonaBrief | None = None
    recipes: Annotated[list[RecipeSpec], Field(max_length=24)] = []
    lists: Annotated[dict[ListName, Wildcard], Field(max_length=24)] = {}
    """Wildcards of the recipes, such as `{@outfits}`. They become the creator's, unless the agency
    has a wildcard of that name with the same values."""
    slots: Annotated[list[SlotBrief], Field(min_length=1, max_length=24)]
    packs: Annotated[list[PackBrief], Field(max_length=24)] = []
    shown: Annotated[DepictionAnswer, BeforeValidator(DepictionAnswer)] | None = None
    """The approver's answer to who is shown in the day's pictures. Without it, they wait until a
    member answers."""
    rating: Annotated[str, Field(pattern="^[GS]$")] = "G"
    """The rating that the approver gives to the day's pictures. Higher ratings need a review of
    each picture, outside the day."""
    approver: Annotated[str, Field(max_length=200)] = ""
    """Email address of the member who approves, or empty for the first manager or owner."""


def read_brief(path: Path) -> Brief:
    """Read and check the brief in a file. Raises BadInput with the file, the line and
    the problem."""
    brief, parsed = read_yaml_model(path, Brief)
    for where, code, params in _find_contradictions(brief):
        raise BadInput(
            code, file=path.name, line=parsed.line_of(where), where=format_path(where), **params
        )
    for recipe in brief.recipes:
        specs.plan_pictures(_fill_wildcards(brief, recipe), seed=0, count=1)
    return brief


def _fill_wildcards(brief: Brief, recipe: RecipeSpec) -> RecipeSpec:
    """Return the recipe with its wildcards. A wildcard outside the brief gets one placeholder
    value: the agency's wildcards are not known here."""
    lists = {
        name: brief.lists.get(name) or Wildcard(words=["…"])
        for name in wildcards.wildcard_names_in(recipe.prompt)
    }
    return specs.with_wildcards(recipe, {name: one.model_dump() for name, one in lists.items()})


_Mistake = tuple[tuple[str | int, ...], str, dict[str, str | int]]


def _find_contradictions(brief: Brief) -> Iterator[_Mistake]:
    """Yield errors that a schema cannot find: duplicate names, unknown sources of pictures, and
    packs with more pictures than a recipe makes."""
    made = {recipe.name: recipe.picture_count for recipe in brief.recipes}
    yield from _find_duplicates(
        "recipes", "name", [PHOTO_SOURCE, *(recipe.name for recipe in brief.recipes)], offset=1
    )
    yield from _find_duplicates("slots", "at", [slot.at for slot in brief.slots])
    yield from _find_duplicates("packs", "slug", [pack.slug for pack in brief.packs])
    for number, slot in enumerate(brief.slots):
        yield from (
            (("slots", number, *where), code, params)
            for where, code, params in _find_duplicates("channels", "", list(slot.channels))
        )
    wanted = [("slots", number, slot.picture) for number, slot in enumerate(brief.slots)]
    wanted += [("packs", number, pack.picture) for number, pack in enumerate(brief.packs)]
    for parts, number, picture in wanted:
        if picture not in (PHOTO_SOURCE, *made):
            yield (parts, number, "picture"), "brief.picture_unknown", {"picture": picture}
    for number, pack in enumerate(brief.packs):
        if pack.picture in made and pack.pictures > made[pack.picture]:
            params: dict[str, str | int] = {"picture": pack.picture, "count": made[pack.picture]}
            yield ("packs", number, "pictures"), "brief.too_few_pictures", params


def _find_duplicates(
    parts: str, key: str, values: Sequence[str], *, offset: int = 0
) -> Iterator[_Mistake]:
    for place, value in enumerate(values):
        if value in values[:place]:
            where = (parts, place - offset, key) if key else (parts, place - offset)
            yield where, "brief.value_twice", {"value": value}
