"""Periods of reports: every day belongs to one period, and every period is due exactly once, in any
time zone and over clock changes."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.ops.wall_time import day_bounds
from insights.reports.periods import (
    CATCH_UP,
    ReportKind,
    ReportTiming,
    list_due_periods,
    next_period,
    period_before,
    period_with,
)

ZONES = ("Europe/Paris", "America/Los_Angeles", "Pacific/Kiritimati", "Australia/Lord_Howe", "UTC")
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
KINDS = st.sampled_from(ReportKind)
TIMINGS = st.builds(
    ReportTiming,
    kind=KINDS,
    hour=st.integers(0, 23),
    zone=st.sampled_from(ZONES),
    weekday=st.integers(0, 6),
    month_day=st.integers(1, 28),
)


@given(KINDS, DAYS)
def test_periods_follow_each_other_without_gap_or_overlap(kind: ReportKind, day: date) -> None:
    period = period_with(kind, day)
    assert period.first <= day <= period.last
    assert period_before(kind, period.first).last == period.first - timedelta(days=1)
    assert period_before(kind, period.last + timedelta(days=1)) == period


@settings(max_examples=60)
@given(TIMINGS, DAYS, st.sets(st.sampled_from(ZONES), min_size=1), st.data())
def test_each_report_is_due_once_however_often_it_is_planned(
    timing: ReportTiming, day: date, zones: set[str], data: st.DataObject
) -> None:
    start = datetime(day.year, day.month, day.day, 11, tzinfo=UTC)
    hours = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=20))
    at, seen = start, []
    for step in hours:
        found = list_due_periods(timing, zones, at, at + timedelta(hours=step))
        seen += [one.period for one in found]
        assert all(one.due_at >= day_bounds(one.period.last, z)[1] for one in found for z in zones)
        at += timedelta(hours=step)
    assert len(set(seen)) == len(seen)
    whole = [one.period for one in list_due_periods(timing, zones, start, at)]
    assert seen[-CATCH_UP[timing.kind] :] == whole


@settings(max_examples=60)
@given(TIMINGS, DAYS)
def test_next_report_is_the_one_that_becomes_due(timing: ReportTiming, day: date) -> None:
    now = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    due = next_period(timing, ["Europe/Paris"], now)
    assert due.due_at > now
    (found,) = list_due_periods(timing, ["Europe/Paris"], now, due.due_at)
    assert found == due


def test_report_waits_until_the_day_has_ended_for_every_creator() -> None:
    timing = ReportTiming(ReportKind.DAILY, 7, "Europe/Paris")
    now = datetime(2026, 3, 10, 6, 30, tzinfo=UTC)
    due = next_period(timing, ["Europe/Paris", "America/Los_Angeles"], now - timedelta(hours=1))
    assert due.due_at == datetime(2026, 3, 10, 7, tzinfo=UTC), "midnight in Los Angeles"


def test_hour_skipped_by_a_clock_change_is_replaced_by_the_next() -> None:
    timing = ReportTiming(ReportKind.DAILY, 2, "Europe/Paris")
    due = next_period(timing, ["Europe/Paris"], datetime(2026, 3, 28, 12, tzinfo=UTC))
    assert due.due_at == datetime(2026, 3, 29, 1, tzinfo=UTC), "03:00 in summer time"
