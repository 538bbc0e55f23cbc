"""Store a brief as the JSON object of its fields, without the creator, which has its own column."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from pydantic import TypeAdapter

Brief = TypeVar("Brief")


def dump_brief(brief: object) -> dict[str, Any]:
    """Return the JSON object of a brief."""
    dumped: dict[str, Any] = _build_adapter(cast(Any, type(brief))).dump_python(
        brief, mode="json", exclude={"creator_id"}
    )
    return dumped


def load_brief(brief_type: type[Brief], creator_id: UUID, stored: Mapping[str, Any]) -> Brief:
    """Return the brief stored by `dump_brief`."""
    brief: Brief = _build_adapter(cast(Any, brief_type)).validate_python(
        {**stored, "creator_id": creator_id}
    )
    return brief


@cache
def _build_adapter(brief_type: Any) -> TypeAdapter[Any]:
    return TypeAdapter(brief_type)
