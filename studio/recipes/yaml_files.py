"""A recipe as a text in YAML: to take away, to bring back, and what is wrong in it by field and
line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import yaml
from pydantic import Field, ValidationError

from foundation import safe_yaml
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.safe_yaml import YamlDocument
from studio.recipes import specs, wildcards
from studio.recipes.specs import MAX_WILDCARDS, RecipeSpec
from studio.recipes.wildcards import FrozenWildcards, Name, Wildcard

MAX_FILE_BYTES = 512 * 1024
"""Two dozen shared lists of two hundred words of thirty letters fit, with their weights; read in
some two seconds."""

EXPORT_FILE_NAME = "recipe.yaml"

_CODES = {"missing": "recipe.line_missing", "extra_forbidden": "recipe.line_unknown"}


LISTS = "lists"
NONE: FrozenWildcards = {}


class _Text(RecipeSpec):
    """A recipe, and beside it the shared lists that it names."""

    lists: Annotated[dict[Name, Wildcard], Field(default_factory=dict, max_length=MAX_WILDCARDS)]


@dataclass(frozen=True)
class ParsedRecipeFile:
    """A recipe of a text, the shared lists it brings, and where those stand in it, by name."""

    spec: RecipeSpec
    lists: Mapping[str, Wildcard]
    lines: Mapping[str, int]


def export_recipe(spec: RecipeSpec, lists: FrozenWildcards = NONE) -> str:
    """The recipe in YAML, with the shared lists it names; what is as usual is left out. `read` of
    it is the same."""
    kept: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
    if lists:
        kept[LISTS] = {
            name: {key: one[key] for key in ("words", "weights") if one[key]}
            for name, one in lists.items()
        }
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=110)


def import_recipe(scope: Scope, creator_id: UUID, raw: bytes | str) -> RecipeSpec:
    """Store the recipe of a text as the creator's. A shared list it brings is that which is there,
    if this says the same, and is made the creator's own where there is none. Raises BadInput as
    `read`, and for a list that is there with other words."""
    written = parse_recipe_file(raw)
    for name, said in written.lists.items():
        if not wildcards.is_existing_wildcard(scope, creator_id, name, said):
            raise BadInput("recipe.list_differs", line=written.lines[name], list=name)
    specs.plan_pictures(
        specs.resolve_wildcards(scope, creator_id, written.spec), seed=0, count=1
    )  # a missing list is told now
    specs.save_recipe(scope, creator_id, written.spec)
    return written.spec


def parse_recipe_file(raw: bytes | str) -> ParsedRecipeFile:
    """The recipe of a text, at most 512 KB of UTF-8. Raises BadInput that names the field and the
    line."""
    try:
        data = raw.encode() if isinstance(raw, str) else raw
        if len(data) > MAX_FILE_BYTES:
            raise BadInput("recipe.text_too_large", most=MAX_FILE_BYTES // 1024)
        parsed = safe_yaml.parse_yaml(data.decode("utf-8-sig"), file=EXPORT_FILE_NAME)
    except UnicodeError as error:
        raise BadInput("recipe.text_not_utf8") from error
    try:
        found = _Text.model_validate(parsed.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _error_at(
            _CODES.get(first["type"], "recipe.line_wrong"), parsed, _strip_union_tag(first["loc"])
        ) from error
    unnamed = next(
        (name for name in found.lists if name not in wildcards.wildcard_names_in(found.prompt)),
        None,
    )
    if unnamed is not None:
        raise _error_at("recipe.line_unknown", parsed, [LISTS, unnamed])
    try:
        spec = specs.parse_recipe(found.model_dump(exclude={LISTS}))
    except BadInput as error:
        where = str(error.message.params.get("where", "")).split(".")
        raise _error_at("recipe.line_wrong", parsed, where) from error
    return ParsedRecipeFile(
        spec, found.lists, {name: parsed.line_of([LISTS, name]) for name in found.lists}
    )


def _error_at(code: str, parsed: YamlDocument, place: Sequence[str | int]) -> BadInput:
    where = ".".join(str(step + 1) if isinstance(step, int) else step for step in place)[:120]
    return BadInput(code, line=parsed.line_of(place), where=where or "-")


def _strip_union_tag(place: Sequence[str | int]) -> Sequence[str | int]:
    """The path as it is written: pydantic names the kind of a question between its name and its
    fields."""
    return [*place[:2], *place[3:]] if place[:1] == ("parameters",) else place
