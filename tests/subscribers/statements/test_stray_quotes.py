"""A stray quotation mark never loses a movement silently."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from subscribers.statements import file_reader
from subscribers.statements.file_reader import StatementFile

HEAD = "date,type,reference,gross,fee,currency,fan\n"
ROW = "2031-01-{day:02d} 11:00,tip,r{day},{day}.00,1.00,USD,anna{day}"


def read(text: str) -> StatementFile | None:
    """Return None for a file that is refused as a whole or in one of its lines."""
    try:
        found = file_reader.read_statement(text.encode(), "Other")
    except BadInput:
        return None
    return None if found.unread else found


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@given(data=st.data())
def test_stray_quotes_lose_no_movement(separator: str, data: st.DataObject) -> None:
    rows = [ROW.format(day=day) for day in range(1, data.draw(st.integers(2, 7)) + 1)]
    text = "\n".join(rows).replace(",", separator)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(text)))
        text = f'{text[:place]}"{text[place:]}'
    found = read(HEAD.replace(",", separator) + text + "\n")
    if found is not None:
        assert [one.gross.minor for one in found.movements] == [
            100 * day for day in range(1, len(rows) + 1)
        ]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ('{0},"Big D\n{1}\n{2}\n', 3),
        ('{0}\n{1},"Big D\n{2},carl\n', 4),
        ('{0}\n{1},"Big D\n{2},dora"\n', 4),
        ('{0}\n"Big" D{1}\n{2}\n', 4),
    ],
)
def test_line_of_a_stray_quote_is_named(wrong: str, line: int) -> None:
    rows = [ROW.format(day=day).rpartition(",")[0] for day in (1, 2, 3)]
    first = ROW.format(day=9) + "\n"
    with pytest.raises(BadInput) as refused:
        file_reader.read_statement((HEAD + first + wrong.format(*rows)).encode(), "Other")
    assert (refused.value.message.code, refused.value.message.params) == (
        "statement.stray_quote",
        {"line": line},
    )


@pytest.mark.parametrize(
    "fan", ['"Big ""D"" Dan"', 'Big "D', '"with, comma"', '"two\nlines, of a note"', ""]
)
def test_valid_csv_quotes_are_read(fan: str) -> None:
    text = HEAD + ROW.format(day=1).replace("anna1", fan) + "\n" + ROW.format(day=2) + "\n"
    found = read(text)
    assert found is not None
    assert [one.reference for one in found.movements] == ["r1", "r2"]


def test_unterminated_cell_is_refused() -> None:
    assert read(HEAD + '"' + (ROW.format(day=1) + "\n") * 5000) is None
