"""CSV exports: spreadsheets evaluate no cell as a formula, and each cell round-trips."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.csv_tables import escape_formula, render_csv_table, unescape_formula

SIGNS = "=+-@＝＋－＠﹢﹣﹦﹫⁺⁼"
BLANKS = (
    " \t\r\n\v\f\0\x1b\xa0\xad\u034f\u115f\u180e\u2000\u2009\u200b\u200d\u200e\u202a\u2028"
    "\u2060\u2066\u2800\u3000\u3164\ufe0f\ufeff\uffa0\U000e0020"
)


@given(st.text(BLANKS, max_size=4), st.sampled_from(SIGNS), st.text(max_size=5))
def test_formula_behind_invisible_characters_is_escaped(blanks: str, sign: str, rest: str) -> None:
    text = blanks + sign + rest
    assert escape_formula(text) == f"'{text}"
    assert unescape_formula(escape_formula(text)) == text


@given(st.text() | st.text("'=-@ \ufeffa", max_size=6))
def test_any_text_round_trips(text: str) -> None:
    cell = escape_formula(text)
    assert unescape_formula(cell) == text
    assert cell.strip()[:1] not in {"=", "+", "-", "@"}


@pytest.mark.parametrize("text", ["", "a", "été", "'tis", "5 - 3", " a=b", "1", "…", "(=)", "“-”"])
def test_ordinary_text_is_unchanged(text: str) -> None:
    assert escape_formula(text) == text


def test_numbers_are_not_escaped() -> None:
    table = render_csv_table([["-1", -1, Decimal("-1E+3"), 1.5], ["\ufeff=1", "a,b", 'c"d', ""]])
    assert list(csv.reader(io.StringIO(table))) == [
        ["'-1", "-1", "-1000", "1.5"],
        ["'\ufeff=1", "a,b", 'c"d', ""],
    ]
