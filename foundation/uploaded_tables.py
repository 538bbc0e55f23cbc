"""Reader of the tables that people upload: CSV in the encodings and forms that spreadsheets and
platforms write. The counterpart of exports (`foundation.csv_tables`).

It knows byte order marks, UTF-16 without one, Windows-1252, a line `sep=;`, lines before the
heading, and four separators. It never joins rows: a stray quote is an error.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

SEPARATORS = ",;\t|"
MAX_LINES_BEFORE_HEADING = 30

_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
_DECLARED = re.compile(r"\"?sep=(?P<sign>[,;|\t])\"?\s*", re.IGNORECASE)
_LETTER_SHARE = 0.4
"""Share of letters beyond ASCII above which a text is in none of the languages of Windows-1252."""


class UnreadableTableError(Exception):
    """A file that is not a table; `line` is the first line, from 1, that is wrong."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"line {line}")


class UnknownEncodingError(UnreadableTableError):
    """A file in an encoding that cannot be told."""


class StrayQuoteError(UnreadableTableError):
    """A quote that never closes, closes inside a cell, or makes one cell of several rows."""


@dataclass(frozen=True)
class UploadedTable:
    """The cells of a file: its heading, and the rows below it with their line numbers, from 1."""

    heading: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    separator: str = ","
    heading_line: int = 1


def decode_table(data: bytes) -> str:
    """Return the text of a file. Raises UnknownEncodingError."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_exactly(data[len(mark) :], encoding)
    for encoding in _guess_wide_encodings(data):
        text = data.decode(encoding, errors="replace")
        if any(sign in text for sign in SEPARATORS) and "\ufffd" not in text:
            return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _decode_western(data, error.start)


def _decode_exactly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(encoding, errors="replace")
        raise UnknownEncodingError(before.count("\n") + 1) from error


def _guess_wide_encodings(data: bytes) -> Iterator[str]:
    """Yield UTF-16 if zeros are at even or at odd places only: one half of each ASCII character."""
    even = data[::2].count(0)
    odd = data[1::2].count(0)
    if len(data) % 2 == 0 and max(even, odd) * 40 >= len(data):
        if not even:
            yield "utf-16-le"
        elif not odd:
            yield "utf-16-be"


def _decode_western(data: bytes, start: int) -> str:
    """Decode Windows-1252, if the text looks like one of its languages."""
    line = data[:start].count(b"\n") + 1
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UnknownEncodingError(line) from error
    letters = [sign for sign in text if sign.isalpha()]
    wide = sum(not sign.isascii() for sign in letters)
    if wide > _LETTER_SHARE * len(letters) or any(sign in text for sign in "\ufeffþð"):
        raise UnknownEncodingError(line)
    return text


def parse_table(
    text: str,
    is_heading: Callable[[Sequence[str]], bool] = lambda cells: False,
    is_date: Callable[[str], bool] = lambda cell: False,
) -> UploadedTable:
    """Split a text into cells.

    `is_heading` recognizes the cells of a known heading, below any lines that programs write before
    it; otherwise it is the first line of more than two cells. `is_date`
    recognizes a date, if no multi-line cell may contain one between separators. Raises
    StrayQuoteError.
    """
    lines = text.splitlines(keepends=True) if "\n" in text else re.split(r"(?<=\r)", text)
    lines = _join_odd_breaks(lines)
    skipped = 0
    separators = SEPARATORS
    if lines and (declared := _DECLARED.fullmatch(lines[0])):
        skipped = 1
        separators = declared["sign"]
    place, separator = _find_heading(lines, skipped, separators, is_heading)
    rows = list(_iterate_rows("".join(lines[place:]), separator, place, is_date))
    (number, heading), *below = rows or [(place + 1, ())]
    return UploadedTable(heading, tuple(below), separator, number)


def _join_odd_breaks(lines: Sequence[str]) -> list[str]:
    """Return the lines as CSV counts them: only CR and LF end one, not U+2028 or a form feed."""
    joined = list[str]()
    for line in lines:
        if joined and not joined[-1].endswith(("\n", "\r")):
            joined[-1] += line
        else:
            joined.append(line)
    return [line for line in joined if line]


def _find_heading(
    lines: Sequence[str],
    skipped: int,
    separators: str,
    is_heading: Callable[[Sequence[str]], bool],
) -> tuple[int, str]:
    """Return the place of the heading's line, from 0, and the separator."""
    first = list(enumerate(lines))[skipped : skipped + MAX_LINES_BEFORE_HEADING]
    for place, line in first:
        for separator in separators:
            if separator in line and is_heading(_split_line(line, separator)):
                return place, separator
    filled = [(place, line) for place, line in first if line.strip()]
    if not filled:
        return skipped, separators[0]
    widths = [
        sum(map(bool, _split_line(line, max(separators, key=line.count)))) for _, line in filled
    ]
    # Titles, dates and names precede a heading, each in one or two cells.
    titles = next((at for at, width in enumerate(widths) if width > 2), 0)
    place, line = filled[titles]
    return place, max(separators, key=line.count)


def _split_line(line: str, separator: str) -> list[str]:
    try:
        cells = next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


def _iterate_rows(
    text: str, separator: str, before: int, is_date: Callable[[str], bool]
) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = 0
    while True:
        begins = reader.line_num
        try:
            row = tuple(next(reader))
        except StopIteration:
            return
        except csv.Error as error:
            raise StrayQuoteError(before + begins + 1) from error
        columns = columns or len(row)
        if reader.line_num - begins > 1:
            overflows = any(cell.strip() for cell in row[columns:])
            if overflows or any(_holds_row(cell, separator, columns, is_date) for cell in row):
                raise StrayQuoteError(before + begins + 1)
        yield before + begins + 1, row


def _holds_row(cell: str, separator: str, columns: int, is_date: Callable[[str], bool]) -> bool:
    """Return True if a cell of several lines contains another row of the table.

    A row differs from prose by its width: as many separators as in the heading, in one line or in
    the first and the last one together, and no space after any of them.
    """
    lines = re.split(r"\r\n|\r|\n", cell)
    if len(lines) < 2:
        return False
    parts = [line.split(separator) for line in lines]
    if any(is_date(part.strip()) for line in parts if len(line) > 1 for part in line):
        return True
    needed = max(columns - 1, 2)
    tight = [not any(part[:1].isspace() for part in line[1:]) for line in parts]
    widths = [len(line) - 1 for line in parts]
    if any(width >= needed and dense for width, dense in zip(widths, tight, strict=True)):
        return True
    return widths[0] + widths[-1] >= needed and tight[0] and tight[-1] and bool(widths[-1])
