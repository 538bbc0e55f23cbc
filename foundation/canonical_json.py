"""Canonical JSON: sorted keys and no spaces, so that equal values have equal digests."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

OMIT_FROM_DIGEST: Mapping[str, bool] = {"unsaid": True}
"""Metadata of a dataclass field that digests omit, because another field determines its value."""


OMIT_IF_EMPTY: Mapping[str, bool] = {"if_any": True}
"""Metadata of a dataclass field that digests omit if it is empty.

It allows adding a field without changing the digests of existing values.
"""


def canonical_json(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces, for digests; equal values produce equal bytes.

    The format follows RFC 8785. A dataclass is encoded as an object of its fields, without those
    marked `OMIT_FROM_DIGEST` and empty ones marked `OMIT_IF_EMPTY`. Other types that JSON does not
    support are encoded as their `str`.
    """
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_json_default
    ).encode()


def _json_default(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        told = {
            each: getattr(value, each.name)
            for each in fields(value)
            if each.metadata != OMIT_FROM_DIGEST
        }
        return {
            each.name: said for each, said in told.items() if said or each.metadata != OMIT_IF_EMPTY
        }
    return str(value)


def to_storable_json(value: Any) -> Any:
    """Return a JSON value that PostgreSQL accepts, without NUL and lone surrogates.

    Return None if it is nested too deeply.
    """
    try:
        return _clean_value(value)
    except RecursionError:
        return None


def _clean_value(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\x00", "").encode("utf-8", "replace").decode()
        case dict():
            return {_clean_value(key): _clean_value(part) for key, part in value.items()}
        case list():
            return [_clean_value(part) for part in value]
        case _:
            return value
