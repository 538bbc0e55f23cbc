"""Filters for responses: the fields to store, and the values that are only IDs or amounts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[\w.:+/@=~$#-]{0,200}")
"""Values allowed in a request without content: IDs, codes and amounts. Spaces are excluded, and
therefore sentences. Bluesky's type names contain `$` and `#`."""


def is_plain_value(value: Any) -> bool:
    """Return True if a value consists of IDs and amounts only, without readable text."""
    if isinstance(value, Mapping):
        return all(is_plain_value(key) and is_plain_value(part) for key, part in value.items())
    if isinstance(value, list | tuple):
        return all(map(is_plain_value, value))
    return (
        value is None
        or isinstance(value, bool | int)
        or (isinstance(value, str) and bool(_PLAIN.fullmatch(value)))
    )


def keep_fields(value: Any, names: Sequence[str]) -> Any:
    """Return the plain texts with these names in an object. A name with points is a path into
    nested objects and into each entry of a list. A list is filtered entry by entry."""
    if isinstance(value, list):
        return [keep_fields(one, names) if isinstance(one, dict) else {} for one in value]
    below: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        below.setdefault(head, []).extend([rest] if rest else [])
    found: dict[str, Any] = {}
    for head, rests in below.items():
        part = value.get(head) if isinstance(value, dict) else None
        if rests and isinstance(part, list | dict):
            found[head] = keep_fields(part, rests)
        elif not rests and isinstance(part, str) and is_plain_value(part):
            found[head] = part
    return found


def refusal_texts(value: Any) -> dict[str, str]:
    """Return the top-level texts of an error response. They describe the request, while nested
    values may contain its content."""
    return (
        {name: text for name, text in value.items() if isinstance(text, str)}
        if isinstance(value, dict)
        else {}
    )


def pop_path(value: Any, path: Sequence[str]) -> Any:
    """Remove the value at a path and return it, or None. An entry of a list is found by its index,
    or by its `name` in lower case."""
    name, *rest = path
    if isinstance(value, list) and name.isdigit():
        return pop_path(value[int(name)], rest) if rest and int(name) < len(value) else None
    if isinstance(value, list):
        found = next(
            (
                one
                for one in value
                if isinstance(one, dict) and str(one.get("name")).lower() == name
            ),
            {},
        )
        return found.pop("value", None) if not rest else None
    if not isinstance(value, dict):
        return None
    return value.pop(name, None) if not rest else pop_path(value.get(name), rest)
