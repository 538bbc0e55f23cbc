"""Tables as files: both formats have the same values, texts are never run, and bytes repeat."""

import csv
import io
import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from defusedxml import ElementTree
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.money import Money, currency_exponent
from insights.reports.tables.table_files import (
    MAX_SHEET_NAME,
    Sheet,
    TableValue,
    render_csv,
    render_table_file,
    render_xlsx,
)

NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_xlsx(data: bytes, number: int = 1) -> list[list[str]]:
    """Return the values of a sheet as texts; cells that were not written are empty."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        texts = []
        if "xl/sharedStrings.xml" in book.namelist():
            shared = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
            texts = ["".join(t.text or "" for t in si.iter(f"{NS}t")) for si in shared]
        sheet = ElementTree.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
    rows = []
    for row in sheet.iter(f"{NS}row"):
        cells: list[str] = []
        for cell in row.iter(f"{NS}c"):
            place = _column(cell.attrib["r"])
            cells += [""] * (place - len(cells))
            value = cell.findtext(f"{NS}v") or ""
            cells.append(texts[int(value)] if cell.attrib.get("t") == "s" else value)
        rows.append(cells)
    return rows


def _column(reference: str) -> int:
    number = 0
    for sign in reference.rstrip("0123456789"):
        number = number * 26 + ord(sign) - 64
    return number - 1


amounts = st.builds(
    Money,
    st.integers(-(10**12), 10**12),
    st.sampled_from(("EUR", "USD", "JPY", "XTR", "KWD")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(amounts, min_size=1, max_size=8))
def test_csv_and_workbook_equal_the_amounts_to_the_minor_unit(found: list[Money]) -> None:
    rows = [[one, one.currency] for one in found]
    written = list(csv.reader(io.StringIO(render_csv(["amount", "currency"], rows))))[1:]
    booked = read_xlsx(render_xlsx([Sheet("Sales", ["amount", "currency"], rows)]))[1:]
    for money, line, cells in zip(found, written, booked, strict=True):
        digits = currency_exponent(money.currency)
        assert Decimal(line[0]).scaleb(digits) == money.minor
        assert round(Decimal(cells[0]).scaleb(digits)) == money.minor
        assert line[1] == cells[1] == money.currency


def test_workbook_runs_no_text_and_cleans_hostile_cells() -> None:
    cells: list[TableValue] = ["=1+1", "https://example.org", "a\x00b\ud800", None, "x" * 40_000]
    data = render_xlsx([Sheet("a", ["one"] * 5, [cells])])
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet
    row = read_xlsx(data)[1]
    assert row[:2] == ["=1+1", "https://example.org"]
    assert row[3] == ""
    assert len(row[4]) == 32_767
    assert render_csv(["one"], [["=1+1"], [None]]) == 'one\r\n\'=1+1\r\n""\r\n'


def test_dates_ratios_and_missing_values_have_their_types() -> None:
    row: list[TableValue] = [
        date(2026, 11, 30),
        datetime(2026, 11, 30, 7, 5, 1, 5, UTC),
        Fraction(1, 3),
        None,
        7,
    ]
    assert render_csv(list("abcde"), [row]).splitlines()[1] == (
        "2026-11-30,2026-11-30 07:05:01+00:00,0.333333,,7"
    )
    cells = read_xlsx(render_xlsx([Sheet("t", list("abcde"), [row])]))[1]
    assert cells[0] == "46356"
    assert Decimal(cells[2]).quantize(Decimal("0.001")) == Decimal("0.333")
    assert cells[3:] == ["", "7"]


@pytest.mark.parametrize("name", ["", "'", "[]:*?/\\", "History", "x" * 60, "a\x00b", "É:1"])
def test_any_name_gives_distinct_valid_sheets(name: str) -> None:
    sheets = [Sheet(name, ["a"], [[1]]) for _ in range(3)]
    with zipfile.ZipFile(io.BytesIO(render_xlsx(sheets))) as book:
        tree = ElementTree.fromstring(book.read("xl/workbook.xml"))
    names = [one.attrib["name"] for one in tree.iter(f"{NS}sheet")]
    assert len({one.casefold() for one in names}) == 3
    assert all(0 < len(one) <= MAX_SHEET_NAME and not set(one) & set("[]:*?/\\") for one in names)


def test_same_table_gives_the_same_bytes() -> None:
    sheet = Sheet("Sales", ["day", "net"], [[date(2026, 1, 1), Money(5, "EUR")]])
    assert render_table_file("xlsx", sheet) == render_table_file("xlsx", sheet)
    assert render_table_file("csv", sheet) == b"day,net\r\n2026-01-01,0.05\r\n"
