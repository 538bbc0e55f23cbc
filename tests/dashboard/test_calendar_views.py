"""Views of the calendar: every day is reached, none twice, and the arrows lead there and back."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.app_pages.calendar_views import MONTH, REACH, VIEWS, window
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streams import stream

TODAY = date(2026, 11, 21)
DAYS = st.dates(TODAY - REACH + timedelta(days=120), TODAY + REACH - timedelta(days=120))


@given(st.sampled_from(sorted(VIEWS)), DAYS)
def test_the_day_that_is_asked_for_is_shown(view: str, day: date) -> None:
    found = window(view, str(day), TODAY)
    assert found.begins <= day <= found.ends
    assert found.first <= found.begins
    assert found.ends < found.first + timedelta(days=VIEWS[view].days)


@given(st.sampled_from(sorted(VIEWS)), DAYS)
def test_the_windows_lie_side_by_side(view: str, day: date) -> None:
    found = window(view, str(day), TODAY)
    after, before = window(view, str(found.after), TODAY), window(view, str(found.before), TODAY)
    assert after.begins == found.ends + timedelta(days=1)
    assert before.ends == found.begins - timedelta(days=1)
    assert window(view, str(after.before), TODAY) == window(view, str(before.after), TODAY) == found


@given(DAYS)
def test_a_month_is_whole_and_begins_on_a_monday(day: date) -> None:
    found = window("month", str(day), TODAY)
    assert found.first.weekday() == 0
    assert (found.begins.day, (found.ends + timedelta(days=1)).day) == (1, 1)
    assert VIEWS["month"].days == MONTH


@pytest.mark.parametrize("asked", ["", "yesterday", "2026-13-01", "9999-12-31", "0001-01-01", "../x"])
def test_a_day_that_is_none_is_told_by_what_there_is(asked: str) -> None:
    for view in VIEWS:
        found = window(view, asked, TODAY)
        assert abs(found.begins - TODAY) <= REACH + timedelta(days=31)


def test_a_month_shows_posts_in_short_and_opens_their_day(door: Door, lumiere: Agency) -> None:
    for number in range(6):
        lumiere.post(f"note {number}", minutes=number + 1)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        month = page.press("Mois")
        assert "note 0" in month
        assert "et 2 de plus" in month
        assert "note 5" not in month
        quarter = page.press("90 jours")
        assert "note 5" in quarter
        assert "view=quarter" in page.query
        day = page.press("Jour")
        assert "note 5" in day


def test_a_view_nobody_knows_is_the_week(door: Door, lumiere: Agency) -> None:
    lumiere.post("toujours là", minutes=3)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "toujours là" in page.open("/calendar", view="decade", day="soon")
