"""Canonical JSON: sorted keys and no spaces, so that equal values have equal digests."""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

OMIT_FROM_DIGEST: Mapping[str, bool] = {"unsaid": True}
"""The metadata of a field that digests leave out, since what it says follows from another one."""


OMIT_IF_EMPTY: Mapping[str, bool] = {"if_any": True}
"""The metadata of a field that digests leave out where it says nothing: so it could be added to
values that were digested before."""


def canonical_json(value: object) -> bytes:
    """JSON with sorted keys and no spaces, for digests: the same value gives the same bytes (after
    RFC 8785).

    A dataclass is the object of its fields, those told apart by `UNSAID` or `IF_ANY` left out;
    anything else that JSON does not know is its `str`.
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
    """What JSON holds as PostgreSQL takes it: no NUL, no lone surrogate; None where it is nested
    too deep."""
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
