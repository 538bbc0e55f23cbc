"""What of a request cannot be used, as its caller sent it: no word of ours in the place or in the problem."""

from collections.abc import Iterator, Mapping
from typing import Any

_OBJECTS = frozenset({"model_type", "model_attributes_type", "dict_type"})


def place(error: Mapping[str, Any], sent: object, *, within: int = 0) -> tuple[str, ...]:
    """Where in a request a value stands that pydantic refused; `sent` lies `within` so many steps."""
    steps = error["loc"]
    return tuple(map(said, (*steps[:within], *_leading(steps[within:], sent, missing=error["type"] == "missing"))))


def _leading(steps: tuple[object, ...], sent: object, *, missing: bool) -> Iterator[object]:
    """The steps that lead somewhere: what pydantic calls a kind that it tried leads nowhere, and what is missing comes
    last."""
    for nth, step in enumerate(steps, start=1):
        known = dict(enumerate(sent)) if isinstance(sent, list) else sent
        if isinstance(known, Mapping) and step in known:
            sent = known[step]
        elif not (missing and nth == len(steps)):
            continue
        yield step


def problem(error: Mapping[str, Any]) -> str:
    """What pydantic says, in words of JSON: objects, and texts by their characters."""
    if error["type"] in _OBJECTS:
        return "Input should be an object"
    if error["type"] == "too_long" and isinstance(error["input"], str):
        return f"String should have at most {error['ctx']['max_length']} characters"
    return said(error["msg"]).removeprefix("Value error, ")


def said(value: object) -> str:
    """A name somebody sent, as UTF-8 can say it."""
    return str(value).encode(errors="replace").decode()
