"""Recipes as YAML files: export and import, with errors by field and line."""

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
"""Maximum size of a file: enough for two dozen wildcards of two hundred words of thirty letters,
with weights. Parsing such a file takes about two seconds."""

EXPORT_FILE_NAME = "recipe.yaml"

_CODES = {"missing": "recipe.line_missing", "extra_forbidden": "recipe.line_unknown"}


LISTS = "lists"
NONE: FrozenWildcards = {}


class _Text(RecipeSpec):
    """A recipe with the shared wildcards it uses."""

    lists: Annotated[dict[Name, Wildcard], Field(default_factory=dict, max_length=MAX_WILDCARDS)]


@dataclass(frozen=True)
class ParsedRecipeFile:
    """A recipe from a file, the wildcards it contains, and their line numbers by name."""

    spec: RecipeSpec
    lists: Mapping[str, Wildcard]
    lines: Mapping[str, int]


def export_recipe(spec: RecipeSpec, lists: FrozenWildcards = NONE) -> str:
    """Return a recipe with the wildcards it uses as YAML, without default values."""
    kept: dict[str, Any] = spec.model_dump(mode="json", exclude_defaults=True)
    if lists:
        kept[LISTS] = {
            name: {key: one[key] for key in ("words", "weights") if one[key]}
            for name, one in lists.items()
        }
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=110)


def import_recipe(scope: Scope, creator_id: UUID, raw: bytes | str) -> RecipeSpec:
    """Store the recipe of a file for the creator.

    A wildcard in the file must match the existing one, or is created for the creator. Raises the
    errors of `parse_recipe_file`, and BadInput for a wildcard that exists with other content.
    """
    written = parse_recipe_file(raw)
    for name, said in written.lists.items():
        if not wildcards.is_existing_wildcard(scope, creator_id, name, said):
            raise BadInput("recipe.list_differs", line=written.lines[name], list=name)
    # Planning one image detects missing lists before the recipe is saved.
    specs.plan_pictures(specs.resolve_wildcards(scope, creator_id, written.spec), seed=0, count=1)
    specs.save_recipe(scope, creator_id, written.spec)
    return written.spec


def parse_recipe_file(raw: bytes | str) -> ParsedRecipeFile:
    """Parse a recipe file in UTF-8 of at most 512 KiB. Raises BadInput with field and line."""
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
    """Return the path of a field as in the file, because pydantic inserts the kind of a parameter
    between name and field."""
    return [*place[:2], *place[3:]] if place[:1] == ("parameters",) else place
