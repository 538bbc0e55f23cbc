"""Tables in every encoding and form that spreadsheets write are read, and no row is swallowed."""

import csv
import io
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.uploaded_tables import (
    SEPARATORS,
    StrayQuoteError,
    UnknownEncodingError,
    UploadedTable,
    decode_table,
    parse_table,
)

HEADING = ("date", "type", "reference", "gross", "fee", "body")
ROWS = [
    ("2031-01-03", "tip", "é-1", "10.00", "2.00", "Ça va, Zoë ; oui | non"),
    ("", "tip", "b", "20.00", "4.00", "two\nlines, of text; and more"),
    ("Total", "", "", "30.00", "6.00", ""),
]
ENCODINGS = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "utf-32": "utf-32",
    "cp1252": "cp1252",
}
PREAMBLES = (
    "",
    "sep={0}\r\n",
    '"sep={0}"\r\n',
    "Statement of Zoë\r\n\r\n",
    "Account{0}Zoë\r\nPeriod{0}2031-01\r\n\r\n",
    "sep={0}\r\nMy report\r\n",
)


def write(rows: list[tuple[str, ...]], separator: str) -> str:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator).writerows([HEADING, *rows])
    return out.getvalue()


def read(data: bytes) -> UploadedTable:
    return parse_table(decode_table(data), lambda cells: {"date", "gross"} <= set(cells))


@pytest.mark.parametrize(
    ("encoding", "separator", "preamble"), list(itertools.product(ENCODINGS, SEPARATORS, PREAMBLES))
)
def test_table_is_read_in_every_form(encoding: str, separator: str, preamble: str) -> None:
    before = preamble.format(separator)
    data = (before + write(ROWS, separator)).encode(encoding)
    for table in (read(data), parse_table(decode_table(data))):
        assert (table.heading, table.separator) == (HEADING, separator)
        assert [cells for _, cells in table.rows] == ROWS
        first = before.count("\n") + 1
        assert (table.heading_line, table.rows[0][0]) == (first, first + 1)


@pytest.mark.parametrize("separator", SEPARATORS)
@given(
    opened=st.tuples(st.integers(0, 3), st.integers(0, 5)),
    length=st.integers(1, 4),
    column=st.integers(0, 5),
    dated=st.booleans(),
)
def test_stray_quotes_never_join_rows(
    separator: str, opened: tuple[int, int], length: int, column: int, dated: bool
) -> None:
    """Whichever columns a stray quote opens and closes in, with dates, without, and in totals."""
    rows = [
        [f"2031-01-0{at}" if dated else "", "tip", f"r{at}", f"{at}.00", "1.00", f"text{at}"]
        for at in range(1, 6)
    ]
    rows[-1][0] = "Total"
    row, first = opened
    closed = min(row + length, 4)
    rows[row][first] = '"' + rows[row][first]
    rows[closed][column] += '"'
    text = "\r\n".join(separator.join(cells) for cells in [list(HEADING), *rows])
    with pytest.raises(StrayQuoteError) as refused:
        parse_table(text)
    assert refused.value.line == row + 2


@given(st.lists(st.text("ab ,;.\n\"'", max_size=30).map(str.strip), min_size=6, max_size=6))
def test_prose_in_cells_is_no_row(cells: list[str]) -> None:
    """Prose has a space after its commas."""
    prose = [cell.replace(",", ", ").replace(";", "; ").replace(" \n", "\n") for cell in cells]
    prose = ["\n".join(line.strip() for line in cell.split("\n")).strip(" ,;") for cell in prose]
    prose = [cell.replace(",\n", "\n").replace(";\n", "\n") for cell in prose]
    text = write([tuple(prose)], "\t")
    assert [found for _, found in parse_table(text).rows] == [tuple(prose)]


def test_long_post_with_commas_and_lines_is_one_cell() -> None:
    body = (
        "Red, blue, green, pink, white, black.\nDates:\n3/4/2031, Paris\nsee you, all of you, there"
    )
    table = parse_table(write([("a", "b", "c", "d", "e", body)], ","))
    assert table.rows[0][1][-1] == body


@pytest.mark.parametrize(
    "data",
    [
        "ключ,текст\nа,привет".encode("cp1251"),
        b"a,b\n\x81,x",
        "鍵,本文\n1,こんにちは".encode("shift-jis"),
    ],
)
def test_unknown_encoding_is_refused(data: bytes) -> None:
    with pytest.raises(UnknownEncodingError):
        decode_table(data)


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(data: bytes) -> None:
    try:
        parse_table(decode_table(data))
    except (StrayQuoteError, UnknownEncodingError):
        return


@given(st.text(max_size=60))
def test_utf8_text_is_never_taken_for_another_encoding(text: str) -> None:
    if "\x00" not in text and not text.startswith("\ufeff"):
        assert decode_table(text.encode(errors="ignore")) == text.encode(errors="ignore").decode()
