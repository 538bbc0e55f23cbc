"""Ambiguous dates, names and time zones of an import: a guess is always reported."""

import unicodedata
from datetime import date, datetime
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.i18n.name_forms import fold_name, list_normal_forms
from schedules.imports.csv_rows import ImportSheet, parse_file
from schedules.imports.zone_names import suggest_zone
from tests.schedules.csv_files import FileImporter, format_csv

UNCERTAIN = {"import.date_day_first", "import.date_month_first", "import.date_order_mixed"}
DAYS = st.dates(date(2027, 1, 1), date(2032, 12, 31))


def parse_dates(*cells: str) -> ImportSheet:
    rows = [
        {"key": str(at), "channels": "main", "date": cell, "time": "9:00", "body": "x"}
        for at, cell in enumerate(cells)
    ]
    return parse_file(format_csv(rows), ("sandbox",))


def write_slashed(day: date, *, month_first: bool) -> str:
    parts = (day.month, day.day) if month_first else (day.day, day.month)
    return f"{parts[0]}/{parts[1]}/{day.year}"


@given(days=st.lists(DAYS, min_size=1, max_size=6), month_first=st.booleans())
def test_date_order_is_proven_or_reported(days: list[date], month_first: bool) -> None:
    sheet = parse_dates(*(write_slashed(one, month_first=month_first) for one in days))
    proven = any(one.day > 12 for one in days)
    ambiguous = [one.day <= 12 and one.day != one.month for one in days]
    read = [row.day for row in sheet.rows]
    findings = {one.line - 2: one.message for one in sheet.findings}
    if proven or not month_first:
        assert read == days
    for at, is_ambiguous in enumerate(ambiguous):
        if is_ambiguous and (month_first or not proven):
            assert findings[at].code in UNCERTAIN
            # the date was parsed
            assert findings[at].params["day"] == read[at].isoformat()  # type: ignore[union-attr]  # see above
        else:
            assert at not in findings


@given(day=DAYS.filter(lambda one: one.day <= 12 and one.day != one.month))
def test_ambiguous_date_is_refused_if_file_has_both_orders(day: date) -> None:
    sheet = parse_dates("25/1/2031", "1/25/2031", f"{day.day}/{day.month}/{day.year}")
    assert [row.day for row in sheet.rows] == [date(2031, 1, 25), date(2031, 1, 25), None]
    assert [one.message.code for one in sheet.findings if one.grave] == ["import.date_order_mixed"]


def test_unambiguous_date_formats_are_parsed() -> None:
    sheet = parse_dates("2031-04-03", "3.4.2031", "4/4/2031", "12/31/2031")
    assert [row.day for row in sheet.rows] == [
        date(2031, 4, 3),
        date(2031, 4, 3),
        date(2031, 4, 4),
        date(2031, 12, 31),
    ]
    assert not sheet.findings


@given(name=st.text(st.characters(categories=["L", "M", "Nd"]), min_size=1, max_size=12))
def test_folded_name_ignores_normal_form_and_case(name: str) -> None:
    assert len({fold_name(one) for one in list_normal_forms(name)}) == 1
    assert fold_name(fold_name(name)) == fold_name(name)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
def test_account_is_found_in_any_normal_form(clerk: FileImporter, form: str) -> None:
    with clerk.desk.scope() as scope:
        scope.run(
            "UPDATE channels SET name = :name WHERE tenant_id = :t AND name = 'main'",
            name="Zoé ﬁlms",
            t=clerk.desk.tenant_id,
        )
    # one of the four forms
    written = unicodedata.normalize(form, "Zoé ﬁlms")  # type: ignore[arg-type]  # see above
    row = clerk.row(1)
    data = f"key,creator,channels,date,time,body,body@{written}\n" + (
        f"1,{row['creator']},{written},{row['date']},9:00,un,autrement\n"
    )
    found = clerk.bring(data.encode())
    shown = clerk.shown(found)
    assert (shown.lines, shown.problems) == (1, 0)


@given(
    zone=st.sampled_from(sorted(z for z in available_timezones() if z.startswith("Europe/"))),
    slip=st.integers(0, 30),
)
def test_suggested_zone_never_has_another_offset(zone: str, slip: int) -> None:
    at = slip % len(zone)
    meant = suggest_zone(zone[:at] + zone[at + 1 :])
    assert meant == "" or _offsets(meant) == _offsets(zone) or at < len("Europe/")


def _offsets(zone: str) -> list[object]:
    moments = (datetime(2026, month, 15, 12, tzinfo=ZoneInfo(zone)) for month in (1, 7))
    return [one.utcoffset() for one in moments]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("EDT", "America/New_York"),
        ("new york", "America/New_York"),
        ("America/NewYork", "America/New_York"),
        ("Europa/Paris", "Europe/Paris"),
        ("AEST", "Australia/Brisbane"),
        ("msk", "Europe/Moscow"),
    ],
)
def test_unambiguous_zone_is_suggested(written: str, meant: str) -> None:
    assert suggest_zone(written) == meant


@pytest.mark.parametrize(
    "written", ["GMT+2", "UTC-5", "CST", "IST", "BST", "Eastern", "Z", "Europe/Berne", "+02:00", ""]
)
def test_ambiguous_zone_is_not_suggested(written: str) -> None:
    assert suggest_zone(written) == ""
