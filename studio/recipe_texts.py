"""A recipe as a text in YAML: to take away, to bring back, and what is wrong in it by field and line."""

from collections.abc import Sequence

import yaml
from pydantic import ValidationError

from foundation import plain_yaml
from foundation.errors import BadInput
from foundation.plain_yaml import Parsed
from studio import recipes
from studio.recipes import Spec

MAX_BYTES = 64 * 1024
NAME = "recipe.yaml"

_CODES = {"missing": "recipe.line_missing", "extra_forbidden": "recipe.line_unknown"}


def write(spec: Spec) -> str:
    """The recipe in YAML; what is as usual is left out. `read` of it is the same recipe."""
    kept = spec.model_dump(mode="json", exclude_defaults=True)
    return yaml.safe_dump(kept, allow_unicode=True, sort_keys=False, width=110)


def read(raw: bytes | str) -> Spec:
    """The recipe of a text, at most 64 KB of UTF-8. Raises BadInput that names the field and the line."""
    try:
        data = raw.encode() if isinstance(raw, str) else raw
        if len(data) > MAX_BYTES:
            raise BadInput("recipe.text_too_large", most=MAX_BYTES // 1024)
        parsed = plain_yaml.parse(data.decode("utf-8-sig"), file=NAME)
    except UnicodeError as error:
        raise BadInput("recipe.text_not_utf8") from error
    try:
        Spec.model_validate(parsed.value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise _wrong(_CODES.get(first["type"], "recipe.line_wrong"), parsed, _plain(first["loc"])) from error
    try:
        return recipes.read(parsed.value)
    except BadInput as error:
        where = str(error.message.params.get("where", "")).split(".")
        raise _wrong("recipe.line_wrong", parsed, where) from error


def _wrong(code: str, parsed: Parsed, place: Sequence[str | int]) -> BadInput:
    where = ".".join(str(step + 1) if isinstance(step, int) else step for step in place)[:120]
    return BadInput(code, line=parsed.line(place), where=where or "-")


def _plain(place: Sequence[str | int]) -> Sequence[str | int]:
    """The path as it is written: pydantic names the kind of a question between its name and its fields."""
    return [*place[:2], *place[3:]] if place[:1] == ("parameters",) else place
