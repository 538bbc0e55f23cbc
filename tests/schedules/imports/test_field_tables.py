"""Import files from the field: stray quotes, Excel's own forms, abbreviated zones."""

import os
from datetime import time
from pathlib import Path

import pytest

from foundation.errors import BadInput
from schedules.imports.cell_formats import parse_clock_cell
from schedules.imports.csv_rows import parse_file
from schedules.imports.zone_names import is_fixed_abbreviation, suggest_zone

FIELD = Path(os.environ.get("GREENROOM_SHARED", "/nowhere")) / "data" / "field2"
needs_field = pytest.mark.skipif(not FIELD.exists(), reason="needs the shared field files")


@needs_field
def test_import_files_from_the_field() -> None:
    with pytest.raises(BadInput) as refused:
        parse_file((FIELD / "im_quote_swallow.csv").read_bytes(), ())
    assert (refused.value.message.code, refused.value.message.params) == (
        "import.not_csv",
        {"line": 2},
    )
    (row,) = parse_file((FIELD / "im_sep.csv").read_bytes(), ()).rows
    assert (row.body, row.zone, row.line) == ("Hallo, Welt", "Europe/Berlin", 3)


@pytest.mark.parametrize(
    ("zone", "suggestion"),
    [("EST", "America/New_York"), ("HST", "Pacific/Honolulu"), ("MST", ""), ("GMT", "")],
)
def test_fixed_abbreviation_is_no_region(zone: str, suggestion: str) -> None:
    assert is_fixed_abbreviation(zone)
    assert suggest_zone(zone) == suggestion


@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Paris", "EST5EDT", "Etc/GMT+5", "EDT", "Japan", ""]
)
def test_region_or_unknown_name_is_no_fixed_abbreviation(zone: str) -> None:
    assert not is_fixed_abbreviation(zone)


@pytest.mark.parametrize("space", ["", " ", "\u202f", "\u00a0", "\u2009"])
@pytest.mark.parametrize(
    ("clock", "half", "at"),
    [
        ("9:05", "AM", time(9, 5)),
        ("12:30", "am", time(0, 30)),
        ("1:00", "p.m.", time(13)),
        ("12:00", "PM", time(12)),
        ("13:00", "PM", None),
        ("0:30", "AM", None),
    ],
)
def test_twelve_hour_clock_is_read(space: str, clock: str, half: str, at: time | None) -> None:
    assert parse_clock_cell(f"{clock}{space}{half}") == at
