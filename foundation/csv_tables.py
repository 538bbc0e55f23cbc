"""CSV files that people open in a spreadsheet: each cell of text is escaped if the spreadsheet
would run it as a formula.

Every export is written here. An apostrophe before the text keeps it from being run
(https://owasp.org/www-community/attacks/CSV_Injection); `unescape_formula` takes it off when the
file is imported again.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

CsvCell = str | int | float | Decimal
"""A value of one cell; only text is escaped, so that numbers stay numbers."""

_FORMULA_SIGNS = frozenset("=+-@")
_LINE_SIGNS = frozenset("\t\r\n")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are drawn as a blank: Hangul fillers and the empty Braille pattern."""


def render_csv_table(rows: Iterable[Sequence[CsvCell]]) -> str:
    """Return the rows as CSV with CRLF line ends, each cell of text escaped."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([_format_cell(cell) for cell in row])
    return out.getvalue()


def escape_formula(text: str) -> str:
    """Return a cell that no spreadsheet runs; `unescape_formula` returns the text again."""
    return f"'{text}" if _is_formula(text) or _is_escaped(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text of a cell that `escape_formula` wrote."""
    return cell[1:] if _is_escaped(cell) else cell


def _format_cell(cell: CsvCell) -> str | int | float:
    if isinstance(cell, str):
        return escape_formula(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else cell


def _is_escaped(cell: str) -> bool:
    return cell[:1] == "'" and (cell[1:2] == "'" or _is_formula(cell[1:]))


def _is_formula(text: str) -> bool:
    """Return True if the first visible sign begins a formula; spreadsheets skip what is invisible
    and read the wide and small forms of the signs as the signs."""
    if text[:1] in _LINE_SIGNS:
        return True
    first = next((sign for sign in text if not _is_invisible(sign)), "")
    return unicodedata.normalize("NFKC", first)[:1] in _FORMULA_SIGNS


def _is_invisible(sign: str) -> bool:
    """Return True for controls, formats (a byte order mark), blanks, and marks without a letter."""
    return unicodedata.category(sign)[0] in "CZM" or sign in _INVISIBLE_LETTERS
