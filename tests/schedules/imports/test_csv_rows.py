"""CSV rows of imports: valid cells, findings with line and column, and round trips of formatted
cells."""

from contextlib import suppress
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from connectors.registry import loader
from foundation.errors import BadInput
from schedules.imports import cell_formats as cells
from schedules.imports.csv_rows import MAX_BYTES, MAX_ROWS, ImportRow, parse_file
from schedules.imports.option_columns import declared_options
from tests.schedules.csv_files import format_csv

PLATFORMS = ("sandbox", "telegram")
OPTIONS = declared_options(loader.load_connectors())
WELL: dict[str, object] = {
    "key": "a",
    "channels": "main",
    "date": "2026-11-21",
    "time": "9:05",
    "body": "bonjour",
}
HEAD = "key,channels,date,time,body"


def one(**more: object) -> ImportRow:
    """Return the only row of a file."""
    return parse_file(format_csv([{**WELL, **more}]), PLATFORMS).rows[0]


def codes(data: bytes) -> list[tuple[int, str, str]]:
    return [
        (said.line, said.column, said.message.code) for said in parse_file(data, PLATFORMS).findings
    ]


def refusal(data: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        parse_file(data, PLATFORMS)
    return refused.value.message.code


def test_valid_row_is_parsed() -> None:
    row = one(
        creator="Léa",
        channels="main | other;main",
        late_ok="2h",
        media="x",
        labels="",
        priority="3",
    )
    assert (row.line, row.key, row.creator, row.channels) == (2, "a", "Léa", ("main", "other"))
    assert (row.day, row.clock, row.late_ok) == (date(2026, 11, 21), time(9, 5), timedelta(hours=2))
    assert (row.body, row.media, row.priority) == ("bonjour", ("x",), 3)


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_csv_delimiters_are_detected(sign: str) -> None:
    data = b"\xef\xbb\xbf" + format_csv([{**WELL, "body": "a, b; c"}], sign=sign)
    assert parse_file(data, PLATFORMS).rows[0].body == "a, b; c"


def test_multiline_text_keeps_lines_and_line_numbers() -> None:
    sheet = parse_file(
        format_csv([{**WELL, "body": "un\ndeux\r\ntrois "}, {**WELL, "key": "b", "date": "?"}]),
        PLATFORMS,
    )
    assert sheet.rows[0].body == "un\ndeux\r\ntrois "
    assert [said.line for said in sheet.findings] == [5]


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("key", " ", "import.no_key"),
        ("key", "k" * 121, "import.key_too_long"),
        ("date", "21.13.2026", "import.date_unreadable"),
        ("date", "11-21-26", "import.date_unreadable"),
        ("time", "10:00+02:00", "import.time_unreadable"),
        ("time", "25:00", "import.time_unreadable"),
        ("late_ok", "soon", "import.late_unreadable"),
        ("late_ok", "99999h", "import.late_unreadable"),
        ("body", "x" * 20_001, "import.words_too_long"),
        ("first_comment", "x" * 4_097, "import.words_too_long"),
        ("title", "x" * 201, "import.words_too_long"),
        ("text_ai", "robot", "import.text_ai_unreadable"),
        ("priority", "0", "import.priority_unreadable"),
        ("priority", "٣", "import.priority_unreadable"),
        ("option_mastodon_visibility", "direct", "import.option_choice"),
        ("option_mastodon_warning", "x" * 201, "option.too_long"),
        ("option_telegram_silent", "maybe", "import.option_flag"),
        ("option_bluesky_languages", "fr|en|de|it", "option.too_many"),
        ("utm_campaign", "s" * 81, "link.mark_unreadable"),
        ("plain_links", "https://a.org/" + "a" * 2048, "link.too_many_plain"),
    ],
)
def test_invalid_cell_is_reported_with_line_and_column(column: str, cell: str, code: str) -> None:
    sheet = parse_file(format_csv([{**WELL, column: cell}]), PLATFORMS, OPTIONS)
    assert [(one.line, one.column, one.message.code) for one in sheet.findings] == [
        (2, column, code)
    ]
    assert all(one.grave for one in sheet.findings)


def test_options_are_parsed_by_kind_ignoring_case() -> None:
    said = {
        "option_mastodon_visibility": " Unlisted",
        "option_telegram_silent": "OUI",
        "option_bluesky_languages": "",
    }
    row = parse_file(
        format_csv([{**WELL, **said, "labels": "Noël|été;noël"}]), PLATFORMS, OPTIONS
    ).rows[0]
    assert row.options == {"mastodon": {"visibility": "unlisted"}, "telegram": {"silent": True}}
    assert row.labels == ("Noël", "été", "noël")


def test_unknown_option_column_is_a_problem() -> None:
    """The option may decide who sees the post."""
    for column, code in (
        ("option_mastodon_visibilty", "_near"),
        ("option_zz", ""),
        ("option_warning@", ""),
    ):
        (said,) = parse_file(format_csv([{**WELL, column: "private"}]), PLATFORMS, OPTIONS).findings
        assert (said.line, said.column, said.grave) == (1, column, True)
        assert said.message.code.removeprefix("import.option_column_unknown") in {code, "_near"}


def test_unknown_option_is_not_matched_to_price_column() -> None:
    (said,) = parse_file(format_csv([{**WELL, "option_telegram_foo": "x"}]), ["telegram"]).findings
    assert (said.message.code, said.message.params["near"]) == ("import.option_column_unknown", "")
    (said,) = parse_file(format_csv([{**WELL, "price_telegramm": "5 EUR"}]), ["telegram"]).findings
    assert said.message.params["near"] == "price_telegram"


@pytest.mark.parametrize("column", ["price_telegramm", "body_Telegramme", "part_two", "body_"])
def test_unknown_platform_column_is_a_problem(column: str) -> None:
    """A misspelled price column made a post free, and a misspelled text column published one
    platform's text everywhere."""
    (said,) = parse_file(
        format_csv([WELL], columns=[*cells.COLUMNS, column]), PLATFORMS, OPTIONS
    ).findings
    assert (said.line, said.column, said.grave) == (1, column.casefold(), True)


def test_platform_texts_are_parsed() -> None:
    columns = [*cells.COLUMNS, "body_telegram"]
    data = format_csv(
        [{**WELL, "body_telegram": "court"}, {**WELL, "key": "b", "body_telegram": "  "}],
        columns=columns,
    )
    assert [row.bodies for row in parse_file(data, PLATFORMS).rows] == [{"telegram": "court"}, {}]
    long = format_csv([{**WELL, "body_telegram": "x" * 20_001}], columns=columns)
    assert codes(long) == [(2, "body_telegram", "import.words_too_long")]


def test_unknown_column_is_reported_with_nearest_known_one() -> None:
    said = parse_file(
        f"{HEAD},prioritty,zzzzzz\na,main,2026-11-21,10:00,hi,3,4".encode(), PLATFORMS
    ).findings
    assert [one.message.code for one in said] == [
        "import.column_unknown_near",
        "import.column_unknown",
    ]
    assert said[0].message.params["near"] == "priority"
    assert not any(one.grave for one in said)


def test_columns_of_own_export_are_accepted() -> None:
    assert (
        codes(f"{HEAD},state,url,reason\na,main,2026-11-21,10:00,hi,scheduled,u,r".encode()) == []
    )


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("cancelled", "import.taken_off"),
        ("cancelled|scheduled", "import.taken_off"),
        ("published", "import.stands"),
        ("removed|published", "import.stands"),
        ("scheduled|held", ""),
    ],
)
def test_row_cancelled_or_published_before_has_a_remark(state: str, said: str) -> None:
    found = parse_file(
        f"{HEAD},state\na,main,2026-11-21,10:00,hi,{state}".encode(), PLATFORMS
    ).findings
    assert [(one.column, one.message.code, one.grave) for one in found] == [
        ("state", said, False)
    ] * bool(said)


def test_duplicate_key_names_its_first_line() -> None:
    said = parse_file(format_csv([WELL, WELL]), PLATFORMS).findings
    assert [(one.line, one.message.code, one.message.params["first"]) for one in said] == [
        (3, "import.key_twice", 2)
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "import.columns_missing"),
        (b"key,date\na,b", "import.columns_missing"),
        (f"{HEAD},BODY\n".encode(), "import.column_twice"),
        (HEAD.encode(), "import.no_lines"),
        (f"{HEAD}\n\n ,,\n".encode(), "import.no_lines"),
        (HEAD.encode() + b"\na,main,2026-11-21,10:00,caf\x81", "import.not_utf8"),
        (f"{HEAD}\na,main".encode("utf-16") + b"\x00", "import.not_utf8"),
        (HEAD.encode() + b"\na,main,2026-11-21,10:00,a\x00b", "import.unwritable"),
        (f'{HEAD}\na,main,2026-11-21,10:00,"never closed\n'.encode(), "import.not_csv"),
        (f'{HEAD}\na,main,2026-11-21,10:00,"closed" late\n'.encode(), "import.not_csv"),
        (f"{HEAD}\na,main,2026-11-21,10:00,{'x' * 140_000}".encode(), "import.not_csv"),
        (b"x" * (MAX_BYTES + 1), "import.too_large"),
    ],
)
def test_file_without_posts_is_refused(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_file_with_too_many_rows_is_refused() -> None:
    line = "\nk{},main,2026-11-21,10:00,hi"
    assert (
        refusal((HEAD + "".join(line.format(n) for n in range(MAX_ROWS + 1))).encode())
        == "import.too_many_lines"
    )


def test_row_with_too_many_cells_is_reported() -> None:
    assert codes(f"{HEAD}\na,main,2026-11-21,10:00,hi, there".encode()) == [
        (2, "", "import.too_many_cells")
    ]


@given(some.binary(max_size=400), some.booleans())
def test_arbitrary_file_raises_only_bad_input(data: bytes, headed: bool) -> None:
    with suppress(BadInput):
        assert parse_file((HEAD.encode() + b"\n" if headed else b"") + data, PLATFORMS).rows


@given(some.lists(some.text(min_size=1).map(str.strip).filter(bool)))
def test_joined_names_round_trip(names: list[str]) -> None:
    assert list(cells.split_names(cells.join_names(names))) == names


@given(some.dates(date(2000, 1, 1), date(2100, 1, 1)), some.times())
def test_dates_and_times_round_trip(day: date, clock: time) -> None:
    clock = clock.replace(microsecond=0)
    assert cells.parse_day(str(day), "month_first") == day
    assert cells.parse_day(f"{day:%d/%m/%Y}", "day_first") == day
    assert cells.parse_day(f"{day:%m/%d/%Y}", "month_first") == day
    assert cells.parse_clock_cell(str(clock)) == clock


@given(some.integers(0, 30 * 24 * 60))
def test_late_span_round_trips(minutes: int) -> None:
    assert cells.parse_late_span(cells.format_late_span(timedelta(minutes=minutes))) == timedelta(
        minutes=minutes
    )
    assert cells.parse_late_span(cells.format_late_span(None)) == cells.ALWAYS_LATE
