"""CSV exports for spreadsheets: a text cell that a spreadsheet would run as a formula is escaped.

Every export uses this module. An apostrophe before the text prevents its execution
(https://owasp.org/www-community/attacks/CSV_Injection); `unescape_formula` removes it on import.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

CsvCell = str | int | float | Decimal
"""A value of one cell. Only text is escaped, so that numbers remain numbers."""

_FORMULA_SIGNS = frozenset("=+-@")
_LINE_SIGNS = frozenset("\t\r\n")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that are rendered as blanks: Hangul fillers and the empty Braille pattern."""


def render_csv_table(rows: Iterable[Sequence[CsvCell]]) -> str:
    """Return the rows as CSV with CRLF line endings and escaped text cells."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows:
        writer.writerow([_format_cell(cell) for cell in row])
    return out.getvalue()


def escape_formula(text: str) -> str:
    """Return a cell that no spreadsheet executes; `unescape_formula` reverses it."""
    return f"'{text}" if _is_formula(text) or _is_escaped(text) else text


def unescape_formula(cell: str) -> str:
    """Return the text of a cell written by `escape_formula`."""
    return cell[1:] if _is_escaped(cell) else cell


def _format_cell(cell: CsvCell) -> str | int | float:
    if isinstance(cell, str):
        return escape_formula(cell)
    return f"{cell:f}" if isinstance(cell, Decimal) else cell


def _is_escaped(cell: str) -> bool:
    return cell[:1] == "'" and (cell[1:2] == "'" or _is_formula(cell[1:]))


def _is_formula(text: str) -> bool:
    """Return True if the first visible character begins a formula.

    Spreadsheets skip invisible characters and accept full-width and small forms of the signs.
    """
    if text[:1] in _LINE_SIGNS:
        return True
    first = next((sign for sign in text if not _is_invisible(sign)), "")
    return unicodedata.normalize("NFKC", first)[:1] in _FORMULA_SIGNS


def _is_invisible(sign: str) -> bool:
    """Return True for controls, format characters (byte order mark), spaces and lone marks."""
    return unicodedata.category(sign)[0] in "CZM" or sign in _INVISIBLE_LETTERS
