"""YAML files of commands, read and checked completely; an error names the line and the key."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from foundation import safe_yaml
from foundation.errors import BadInput
from foundation.safe_yaml import YamlDocument

MAX_BYTES = 256 * 1024
"""Maximum size of a file in bytes."""

FILE_CONFIG = ConfigDict(extra="forbid", frozen=True)
"""Configuration of the models of a file; an unknown key is an error."""

Model = TypeVar("Model", bound=BaseModel)

MESSAGE_BY_ERROR_TYPE: Mapping[str, str] = {
    "missing": "brief.key_missing",
    "extra_forbidden": "brief.key_unknown",
    "string_type": "brief.not_text",
    "int_type": "brief.not_number",
    "list_type": "brief.not_list",
    "dict_type": "brief.not_block",
    "model_type": "brief.not_block",
    "string_too_short": "brief.text_empty",
    "string_too_long": "brief.text_too_long",
    "too_short": "brief.list_empty",
    "too_long": "brief.list_too_long",
    "greater_than": "brief.too_small",
    "greater_than_equal": "brief.too_small",
    "less_than_equal": "brief.too_great",
    "multiple_of": "brief.not_multiple",
}
"""Error type of pydantic -> message code."""

MESSAGE_BY_FIELD: Mapping[str, str] = {
    "at": "brief.not_time",
    "languages": "brief.not_language",
    "currency": "brief.not_currency",
    "slug": "brief.not_slug",
    "rating": "brief.not_rating",
    "shown": "brief.not_depiction_answer",
}
"""Name of a text field with a pattern or a list of values -> message code."""


def read_yaml_model(path: Path, model: type[Model]) -> tuple[Model, YamlDocument]:
    """Read and check a file, and return its value with the positions of its keys. Raises BadInput
    with the file, the line and the problem."""
    parsed = safe_yaml.parse_yaml(_read_text(path), file=path.name)
    if parsed.value is None:
        raise BadInput("brief.empty", file=path.name)
    try:
        return model.model_validate(parsed.value, strict=True), parsed
    except ValidationError as error:
        raise _build_mistake(error, path.name, parsed) from error


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BadInput("brief.unreadable", file=str(path)) from error
    if len(raw) > MAX_BYTES:
        raise BadInput("brief.too_large", file=path.name, most=MAX_BYTES // 1024)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("brief.not_utf8", file=path.name) from error


def _build_mistake(error: ValidationError, file: str, parsed: YamlDocument) -> BadInput:
    """Return the first error of the validation as BadInput with the expected value and the
    position."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = first["loc"]
    bounds = first.get("ctx", {})
    code = MESSAGE_BY_ERROR_TYPE.get(first["type"]) or next(
        (MESSAGE_BY_FIELD[key] for key in _field_names(place)[::-1] if key in MESSAGE_BY_FIELD),
        None,
    )
    most = next(
        (int(bounds[name]) for name in ("max_length", "le", "multiple_of") if name in bounds), 0
    )
    least = next((int(bounds[name]) + (name == "gt") for name in ("ge", "gt") if name in bounds), 0)
    return BadInput(
        code or "brief.invalid",
        file=file,
        line=parsed.line_of(place),
        where=format_path(place),
        most=most,
        least=least,
    )


def _field_names(place: Sequence[str | int]) -> list[str]:
    return [step for step in place if isinstance(step, str)]


def format_path(place: Sequence[str | int]) -> str:
    """Return the path of a field, counted from 1: `slots.2.at` is the time of the second slot."""
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in place)[:120] or "-"
