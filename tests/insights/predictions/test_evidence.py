"""When there will be enough data."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from insights.predictions.evidence import MAX_WAIT, estimate_ready_day, require_evidence

TODAY = date(2026, 3, 31)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 900))
def test_ready_day_follows_the_present_pace(have: int, need: int, days: int) -> None:
    day = estimate_ready_day(have, need, since=TODAY - timedelta(days=days), today=TODAY)
    if have >= need:
        assert day == TODAY
        return
    if day is None:
        assert (need - have) * max(days, 1) / have > MAX_WAIT.days - 1
        return
    wait = (day - TODAY).days
    assert have + wait * have / max(days, 1) >= need - 1e-9
    assert have + (wait - 1) * have / max(days, 1) < need


def test_a_unit_each_day_is_ready_after_the_missing_days() -> None:
    found = require_evidence(12, 56, "days", since=TODAY - timedelta(days=12), today=TODAY)
    assert found is not None
    assert found.expected_on == TODAY + timedelta(days=44)
    assert require_evidence(56, 56, "days", since=None, today=TODAY) is None
    assert estimate_ready_day(0, 56, since=TODAY, today=TODAY) is None
