"""Opening hours: local periods, over midnight and clock changes."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.errors import BadInput
from subscribers.replies.opening_hours import (
    OpeningHours,
    closing_time,
    is_open,
    next_opening,
    parse_opening_hours,
)

PARIS = ZoneInfo("Europe/Paris")
hours = st.builds(OpeningHours, st.integers(0, 6), st.times(), st.times())
START = datetime(2026, 1, 1, tzinfo=UTC)
instants = st.integers(0, 366 * 1440).map(lambda minutes: START + timedelta(minutes=minutes))


@given(st.lists(hours, max_size=6), instants)
def test_open_team_has_a_closing_time_and_a_closed_one_an_opening(
    found: list[OpeningHours], now: datetime
) -> None:
    until = closing_time(found, now, PARIS)
    assert is_open(found, now, PARIS) == (until is not None)
    if until is not None:
        assert now < until.astimezone(UTC) <= now + timedelta(hours=25)
    following = next_opening(found, now, PARIS)
    assert (following is None) == (not found)
    if following is not None:
        assert now < following.astimezone(UTC) <= now + timedelta(days=8)


def test_period_over_midnight_ends_on_the_next_day() -> None:
    night = [OpeningHours(4, time(20), time(2))]  # Friday
    assert is_open(night, datetime(2026, 11, 27, 22, tzinfo=UTC), PARIS)
    assert is_open(night, datetime(2026, 11, 28, 0, 30, tzinfo=UTC), PARIS)
    assert not is_open(night, datetime(2026, 11, 28, 1, 30, tzinfo=UTC), PARIS)


@pytest.mark.parametrize(
    "stored",
    [
        {"weekday": 7, "start": "09:00", "end": "18:00"},
        {"weekday": 0, "start": "9h", "end": "18:00"},
        {"weekday": 0, "start": "24:00", "end": "18:00"},
        {"weekday": "0", "start": "09:00", "end": "18:00"},
    ],
)
def test_invalid_hours_are_refused(stored: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        parse_opening_hours([stored])
