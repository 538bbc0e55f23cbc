"""What is kept of an answer, and what of it is no more than an id or an amount. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PLAIN = re.compile(r"[\w.:+/@=~$#-]{0,200}")
"""What an order without content may carry: ids, codes, amounts; no blank, so no sentence. Names of
Bluesky's types have `$` and `#`."""


def is_plain_value(value: Any) -> bool:
    """Whether a value is made of ids and amounts alone: no words that people read."""
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
    """The plain texts of an object that have these names; a name with points leads further in, and
    into each entry of a list. What is a list itself is one of such objects."""
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
    """The texts at the top of a refusal: they speak of the request, while what lies further in may
    show what it was about."""
    return (
        {name: text for name, text in value.items() if isinstance(text, str)}
        if isinstance(value, dict)
        else {}
    )


def pop_path(value: Any, path: Sequence[str]) -> Any:
    """Remove what stands under a path and give it; None for nothing. What is named in a list is
    known by its name in small letters, or by its place."""
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
