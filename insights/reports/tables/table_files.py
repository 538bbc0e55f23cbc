"""Tables as files: CSV and Excel workbooks. All downloads of Analytics and of reports are made
here, so that both formats have the same columns and values."""

import io
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

from foundation.csv_tables import CsvCell, render_csv_table
from foundation.errors import BadInput
from foundation.money import Money, currency_exponent

CSV_TYPE = "text/csv"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FileFormat = Literal["csv", "xlsx"]
FILE_TYPES: dict[FileFormat, str] = {"csv": CSV_TYPE, "xlsx": XLSX_TYPE}

TableValue = str | int | float | Decimal | Fraction | Money | date | datetime | None
"""A value of one cell. None is an unknown value, and an empty cell; it is never 0. A Fraction is a
ratio, which a workbook shows in per cent. Money is written in whole units of its currency, which
needs a column of its own."""

MAX_SHEET_NAME = 31
MAX_TEXT = 32_767
"""Maximum number of characters of a cell of a workbook."""

MAX_ROWS = 1_048_575
"""Maximum number of rows of a sheet below its headings."""

MAX_WIDTH = 48
MIN_WIDTH = 8
_RATIO_PLACES = Decimal("0.000001")
_CREATED = datetime(2000, 1, 1, tzinfo=UTC)
"""The creation time that workbooks state, so that the same table always gives the same bytes."""


@dataclass(frozen=True)
class Sheet:
    """A table with a name. Each row has as many cells as there are headings."""

    name: str
    headers: Sequence[str]
    rows: Sequence[Sequence[TableValue]]


def render_table_file(form: FileFormat, sheet: Sheet) -> bytes:
    """Return a table as a file of this format. Raises BadInput for a table that is too long."""
    if form == "csv":
        return render_csv(sheet.headers, sheet.rows).encode()
    return render_xlsx([sheet])


def render_csv(headers: Sequence[str], rows: Iterable[Sequence[TableValue]]) -> str:
    """Return a table as CSV, with escaped formulas, ISO dates and amounts in whole units."""
    table: list[Sequence[CsvCell]] = [list(headers)]
    table += [[_csv_cell(cell) for cell in row] for row in rows]
    return render_csv_table(table)


def render_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """Return an Excel workbook. The headings are frozen and filter the rows; texts are never run as
    formulas or links. The same sheets always give the same bytes.

    Raises BadInput for a sheet of more than `MAX_ROWS` rows.
    """
    if any(len(one.rows) > MAX_ROWS for one in sheets):
        raise BadInput("export.too_long", most=MAX_ROWS)
    # Loaded late: most processes never write a workbook.
    from xlsxwriter import Workbook  # noqa: PLC0415  see above

    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
    }
    book = Workbook(out, options)
    book.set_properties({"created": _CREATED})
    formats = _Formats(book)
    taken: set[str] = set()
    for one in sheets:
        _write_sheet(book, formats, one, _sheet_name(one.name, taken))
    book.close()
    return out.getvalue()


class _Formats:
    """The number formats of a workbook, each created once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._known: dict[str, Any] = {}
        self.heading = book.add_format({"bold": True, "bottom": 1})

    def find(self, pattern: str) -> Any:
        """Return the format with this number pattern."""
        if pattern not in self._known:
            self._known[pattern] = self._book.add_format({"num_format": pattern})
        return self._known[pattern]


def _write_sheet(book: Any, formats: _Formats, sheet: Sheet, name: str) -> None:
    paper = book.add_worksheet(name)
    for place, heading in enumerate(sheet.headers):
        paper.write_string(0, place, _clean_text(heading), formats.heading)
    widths = [len(heading) for heading in sheet.headers]
    for number, row in enumerate(sheet.rows, start=1):
        for place, cell in enumerate(row):
            _write_cell(paper, formats, number, place, cell)
            widths[place] = max(widths[place], len(str(_csv_cell(cell))))
    for place, width in enumerate(widths):
        paper.set_column(place, place, min(max(width + 2, MIN_WIDTH), MAX_WIDTH))
    paper.freeze_panes(1, 0)
    if sheet.rows and sheet.headers:
        paper.autofilter(0, 0, len(sheet.rows), len(sheet.headers) - 1)


def _write_cell(paper: Any, formats: _Formats, row: int, place: int, cell: TableValue) -> None:
    match cell:
        case None | "":
            return
        case str():
            paper.write_string(row, place, _clean_text(cell))
        case Money():
            digits = currency_exponent(cell.currency)
            pattern = f"#,##0.{'0' * digits}" if digits else "#,##0"
            paper.write_number(row, place, float(cell.decimal), formats.find(pattern))
        case Fraction():
            paper.write_number(row, place, float(cell), formats.find("0.0%"))
        case datetime():
            local = cell.replace(tzinfo=None, microsecond=0)
            paper.write_datetime(row, place, local, formats.find("yyyy-mm-dd hh:mm:ss"))
        case date():
            paper.write_datetime(row, place, cell, formats.find("yyyy-mm-dd"))
        case int():
            paper.write_number(row, place, cell, formats.find("#,##0"))
        case _:
            paper.write_number(row, place, float(cell))


def _csv_cell(cell: TableValue) -> CsvCell:
    match cell:
        case None:
            return ""
        case Money():
            return cell.decimal
        case Fraction():
            places = Decimal(cell.numerator) / Decimal(cell.denominator)
            return places.quantize(_RATIO_PLACES)
        case datetime():
            return cell.isoformat(sep=" ", timespec="seconds")
        case date():
            return cell.isoformat()
        case _:
            return cell


def _clean_text(text: str) -> str:
    """Return a text without surrogates, which XML cannot contain, cut to the length of a cell."""
    return "".join(one for one in text if unicodedata.category(one) != "Cs")[:MAX_TEXT]


def _sheet_name(name: str, taken: set[str]) -> str:
    """Return a valid name of a sheet that no other sheet of the workbook has."""
    signs = (" " if one in "[]:*?/\\" or not one.isprintable() else one for one in name)
    clean = " ".join("".join(signs).split()).strip("'")[:MAX_SHEET_NAME].strip("' ")
    usual = clean if clean and clean.casefold() != "history" else "Table"
    chosen = usual
    number = 2
    while chosen.casefold() in taken:
        end = f" {number}"
        chosen = usual[: MAX_SHEET_NAME - len(end)] + end
        number += 1
    taken.add(chosen.casefold())
    return chosen
