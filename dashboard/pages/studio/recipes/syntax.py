"""Text syntax of word lists, questions and LoRAs in a template. Pure functions."""

import re
from collections.abc import Iterator
from typing import Any

from foundation.errors import BadInput
from studio.recipes.parameters import ChoiceParameter, NumberParameter, Parameter, TextParameter
from studio.recipes.specs import RecipeSpec
from studio.recipes.wildcards import WEIGHTED_LINE, format_weighted

_BOUNDS = re.compile(r"(-?[0-9]{1,5})\s*(?:-|–|\.\.)\s*(-?[0-9]{1,5})")
WHOLE = 100
TEXT = "…"
"""Marker of a question with a free-text answer."""


def format_lists(spec: RecipeSpec) -> str:
    """Return word lists as text, such as `place: a beach:3, a forest`, where 3 is the weight."""
    return "\n".join(
        f"{name}: "
        f"{', '.join(format_weighted(one, spec.weights.get(name, {}).get(one)) for one in options)}"
        for name, options in spec.words.items()
    )


def parse_lists(text: str) -> tuple[dict[str, list[str]], dict[str, dict[str, int]]]:
    """Parse word lists and their weights. Raises BadInput that quotes a line without a name."""
    found: dict[str, list[str]] = {}
    weights: dict[str, dict[str, int]] = {}
    for name, rest in _split_named_lines(text):
        found[name] = []
        for option in filter(None, (one.strip() for one in rest.split(","))):
            match = WEIGHTED_LINE.fullmatch(option)
            found[name].append(match[1] if match else option)
            if match and match[2] != "1":
                weights.setdefault(name, {})[match[1]] = int(match[2])
    return found, weights


def format_questions(spec: RecipeSpec) -> str:
    """Return questions as text: `mood: calm / lively`, `people: 1-4`, `caption: …`, `hat: with a
    hat ?`."""
    return "\n".join(f"{name}: {_format_question(one)}" for name, one in spec.questions)


def _format_question(one: Parameter) -> str:
    match one:
        case ChoiceParameter():
            return " / ".join(one.options) if len(one.options) > 1 else f"{one.options[0]} /"
        case NumberParameter():
            return f"{one.least}-{one.most}"
        case TextParameter():
            return TEXT
        case _:
            return f"{one.yes} ?"


def parse_questions(text: str, known: RecipeSpec) -> dict[str, dict[str, Any]]:
    """Parse questions into parameters of a template. Raises BadInput that quotes the line.

    Unchanged questions retain the properties in `known` that the text does not show.
    """
    before = {name: _format_question(one) for name, one in known.parameters.items()}
    found: dict[str, dict[str, Any]] = {}
    for name, rest in _split_named_lines(text):
        same = before.get(name) == rest
        found[name] = known.parameters[name].model_dump() if same else _parse_question(name, rest)
    return found


def _parse_question(name: str, rest: str) -> dict[str, Any]:
    bounds = _BOUNDS.fullmatch(rest)
    if bounds:
        return {"kind": "number", "least": int(bounds[1]), "most": int(bounds[2])}
    if rest in (TEXT, "..."):
        return {"kind": "text"}
    if rest.endswith("?") and len(rest) > 1:
        return {"kind": "yes_no", "yes": rest[:-1].strip()}
    if "/" in rest:
        return {
            "kind": "choice",
            "options": [one.strip() for one in rest.split("/") if one.strip()],
        }
    raise BadInput("studio.bad_question", line=f"{name}: {rest}"[:60]).about("questions")


def format_loras(spec: RecipeSpec) -> str:
    """Return LoRAs as text, such as `mia-v3: 80, film`. Weights are percentages, 100 if omitted."""
    return ", ".join(
        name if percent == WHOLE else f"{name}: {percent}" for name, percent in spec.loras.items()
    )


def parse_loras(text: str) -> dict[str, int]:
    """Parse LoRAs and their weights; the last entry of a repeated name counts."""
    found: dict[str, int] = {}
    for one in filter(None, (one.strip() for one in text.split(","))):
        match = WEIGHTED_LINE.fullmatch(one)
        found[match[1] if match else one] = int(match[2]) if match else WHOLE
    return found


def _split_named_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, rest = line.partition(":")
        if not colon or not name.strip():
            raise BadInput("studio.bad_line", line=line[:60]).about("words")
        yield name.strip(), rest.strip()
