"""Output of lists and records: aligned tables for members, JSON for programs."""

import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from pathlib import Path
from uuid import UUID

from pydantic import BaseModel

from foundation.i18n.translation import Message, render_message
from workers.terminal.output import translate

COLUMN_GAP = "  "
EMPTY_CELL = "-"


def format_table(columns: Sequence[str], rows: Sequence[Sequence[str | int]]) -> str:
    """Return an aligned table with a line of headings, in the language of the terminal.

    `columns` are names: the heading of `name` is the text `cli.column.name`, in capitals. An empty
    name leaves a column without heading. Numbers are aligned right; an empty cell shows a dash.
    """
    headings = [
        translate(Message(f"cli.column.{name}")).upper() if name else "" for name in columns
    ]
    lines = [headings, *([_format_cell(cell) for cell in row] for row in rows)]
    widths = [max(map(_display_width, column)) for column in zip(*lines, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[number], int) for row in rows)
        for number in range(len(columns))
    ]
    return "\n".join(
        COLUMN_GAP.join(
            _pad_cell(cell, width, right=right)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        ).rstrip()
        for line in lines
    )


def _format_cell(cell: str | int) -> str:
    return " ".join(str(cell).split()) or EMPTY_CELL


def _pad_cell(cell: str, width: int, *, right: bool) -> str:
    padding = " " * (width - _display_width(cell))
    return padding + cell if right else cell + padding


def _display_width(text: str) -> int:
    """Return the number of terminal columns of a text; East Asian wide characters take two."""
    return sum(
        0 if unicodedata.combining(sign) else 1 + (unicodedata.east_asian_width(sign) in "WF")
        for sign in text
    )


def format_json(value: object) -> str:
    """Return a value as indented JSON. See `to_plain_value`."""
    return json.dumps(to_plain_value(value), indent=2, ensure_ascii=False)


def to_plain_value(value: object) -> object:
    """Return a value as JSON types: instants as ISO in UTC, durations as seconds, dataclasses as
    objects, messages as their code with the English text."""
    match value:
        case Message():
            return {"code": value.code, "says": render_message(value, "en")}
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Enum():
            return value.value
        case UUID() | Path():
            return str(value)
        case BaseModel():
            return value.model_dump(mode="json")
        case Mapping():
            return {str(key): to_plain_value(one) for key, one in value.items()}
        case str() | bytes():
            return value
        case Collection():
            return [to_plain_value(one) for one in value]
        case _ if is_dataclass(value):
            return plain_fields(value)
        case _:
            return value


def plain_fields(value: object) -> dict[str, object]:
    """Return the fields of a dataclass as JSON types, by name."""
    declared = fields(value)  # type: ignore[arg-type]  # callers pass dataclasses alone
    return {each.name: to_plain_value(getattr(value, each.name)) for each in declared}
