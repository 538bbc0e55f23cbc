"""Parsing of JSON from a model, and its validation against a flat schema. Pure."""

import json
import re
from collections.abc import Mapping, Sequence

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


_UNKEPT = re.compile("[\\x00\\ud800-\\udfff]")


def storable_text(text: str) -> str:
    """Return a text without the characters that neither the database nor a request can contain: NUL
    and lone surrogates."""
    return _UNKEPT.sub("", text)


def _to_storable(value: object) -> object:
    if isinstance(value, str):
        return storable_text(value)
    if isinstance(value, list):
        return [_to_storable(one) for one in value]
    if isinstance(value, dict):
        return {storable_text(name): _to_storable(one) for name, one in value.items()}
    return value


def parse_json_object(text: str) -> dict[str, object] | None:
    """Return the first JSON object in `text`, ignoring code fences and other text, or None if there
    is none or it is truncated.

    Characters that cannot be stored are removed from its strings, because a model may write any
    character as an escape.
    """
    start = text.find("{")
    while start >= 0:
        try:
            value = _to_storable(json.JSONDecoder().raw_decode(text, start)[0])
        except RecursionError:
            return None  # Too deeply nested to be one of our formats.
        except ValueError:
            start = text.find("{", start + 1)
            continue
        return value if isinstance(value, dict) else None
    return None


def schema_errors(value: object, schema: Mapping[str, object], where: str = "$") -> list[str]:
    """Return the violations of a schema as paths with the broken rule; empty if `value` is valid.

    Supports type, enum, const, anyOf, properties, required, additionalProperties, items, and the
    limits of strings, numbers and arrays, as used in our schemas. Other rules are not checked.
    """
    options = schema.get("anyOf")
    if isinstance(options, Sequence):
        if any(
            isinstance(option, Mapping) and not schema_errors(value, option, where)
            for option in options
        ):
            return []
        return [f"{where}: anyOf"]
    if not _is_of(value, schema.get("type")):
        return [f"{where}: type"]
    found: list[str] = []
    allowed = schema.get("enum")
    if isinstance(allowed, Sequence) and value not in allowed:
        found.append(f"{where}: enum")
    if "const" in schema and value != schema["const"]:
        found.append(f"{where}: const")
    if isinstance(value, str):
        found += _of_text(value, schema, where)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        found += _of_bounds(value, schema, where, ("minimum", "maximum"))
    elif isinstance(value, list):
        found += _of_list(value, schema, where)
    elif isinstance(value, dict):
        found += _of_object(value, schema, where)
    return found


def _is_of(value: object, kinds: object) -> bool:
    if isinstance(kinds, str):
        names = [kinds]
    elif isinstance(kinds, Sequence):
        names = list(kinds)
    else:
        names = []
    if not names:
        return True
    if isinstance(value, bool):
        return "boolean" in names
    return any(isinstance(value, _TYPES.get(str(name), ())) for name in names)


def _of_bounds(
    size: float, schema: Mapping[str, object], where: str, rules: tuple[str, str]
) -> list[str]:
    low = schema.get(rules[0])
    high = schema.get(rules[1])
    found = []
    if isinstance(low, (int, float)) and size < low:
        found.append(f"{where}: {rules[0]}")
    if isinstance(high, (int, float)) and size > high:
        found.append(f"{where}: {rules[1]}")
    return found


def _of_text(value: str, schema: Mapping[str, object], where: str) -> list[str]:
    found = _of_bounds(len(value), schema, where, ("minLength", "maxLength"))
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not re.search(pattern, value):
        found.append(f"{where}: pattern")
    return found


def _of_list(value: list[object], schema: Mapping[str, object], where: str) -> list[str]:
    found = _of_bounds(len(value), schema, where, ("minItems", "maxItems"))
    items = schema.get("items")
    if isinstance(items, Mapping):
        for index, item in enumerate(value):
            found += schema_errors(item, items, f"{where}[{index}]")
    return found


def _of_object(value: dict[str, object], schema: Mapping[str, object], where: str) -> list[str]:
    known = schema.get("properties")
    needed = schema.get("required")
    properties = known if isinstance(known, Mapping) else {}
    found = [
        f"{where}.{name}: required"
        for name in (needed if isinstance(needed, Sequence) else ())
        if name not in value
    ]
    for name, item in value.items():
        rule = properties.get(name)
        if isinstance(rule, Mapping):
            found += schema_errors(item, rule, f"{where}.{name}")
        elif schema.get("additionalProperties") is False:
            found.append(f"{where}.{name}: unknown")
    return found
