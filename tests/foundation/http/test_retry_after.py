"""The one reader of `Retry-After`: any format, by the server's clock, never shorter than asked."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.http.retry_after import MAX_REQUESTED_WAIT, read_retry_after

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
SECONDS = st.integers(1, int(MAX_REQUESTED_WAIT.total_seconds()))


@given(SECONDS, st.integers(0, 999))
def test_durations_may_have_a_fraction(seconds: int, thousandths: int) -> None:
    wait = read_retry_after({"retry-after": f"{seconds - 1}.{thousandths:03}"}, now=NOW)
    expected = timedelta(seconds=seconds - 1, milliseconds=thousandths)
    assert wait == (expected or None)


@given(SECONDS, st.integers(-(10**6), 10**6))
def test_dates_are_compared_with_the_clock_of_the_server(seconds: int, skew: int) -> None:
    server = NOW + timedelta(seconds=skew)
    headers = {
        "retry-after": format_datetime(server + timedelta(seconds=seconds), usegmt=True),
        "date": format_datetime(server, usegmt=True),
    }
    assert read_retry_after(headers, now=NOW) == timedelta(seconds=seconds)


def test_date_without_a_server_clock_is_compared_with_ours() -> None:
    headers = {"retry-after": format_datetime(NOW + timedelta(minutes=2), usegmt=True)}
    assert read_retry_after(headers, now=NOW) == timedelta(minutes=2)


@pytest.mark.parametrize("value", ["", "soon", "-5", "0", "99999999999999", "1e3", "٣٠", "nan"])
def test_invalid_values_count_as_missing(value: str) -> None:
    assert read_retry_after({"retry-after": value}, now=NOW) is None
    assert read_retry_after({}, now=NOW) is None
