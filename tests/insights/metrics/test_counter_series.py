"""Counters by day: complete, independent of the order of readings, and correct in every time
zone."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ops.wall_time import local_day
from insights.metrics.counter_series import (
    CounterReading,
    CounterSeries,
    DayChange,
    compute_counter_series,
)

ZONES = ("Europe/Paris", "America/St_Johns", "Pacific/Kiritimati", "UTC")
BEGAN = datetime(2025, 3, 28, 18, tzinfo=UTC)  # the clocks of Paris change on March 30


def reading(
    hours: float, value: int, *, native_id: str = "", typed: bool = False
) -> CounterReading:
    return CounterReading(value, BEGAN + timedelta(hours=hours), int(hours), native_id, typed)


def series(*readings: CounterReading, zone: str = "UTC") -> CounterSeries:
    found = compute_counter_series(readings, zone)
    assert found is not None
    return found


READINGS = st.lists(
    st.builds(
        reading,
        st.integers(0, 2400),
        st.integers(0, 10**10),
        native_id=st.sampled_from(["", "a", "b"]),
        typed=st.booleans(),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda one: one.age_hours,
)


@given(READINGS, st.randoms(), st.sampled_from(ZONES))
def test_days_add_up_to_the_latest_value(
    readings: list[CounterReading], random: object, zone: str
) -> None:
    """No value is lost or counted twice, whatever was reset, late or arrived in another order."""
    found = series(*readings, zone=zone)
    total = sum(change.value for change in found.days.values())
    assert total == found.latest + found.earlier_epochs - found.before_tracking
    assert found.latest == max(readings, key=lambda one: one.observed_at).value
    first = min(readings, key=lambda one: one.observed_at)
    assert all(
        local_day(BEGAN, zone) <= day <= local_day(BEGAN + timedelta(hours=2400), zone)
        for day in found.days
    )
    assert found.before_tracking in (0, first.value)
    shuffled = list(readings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # a random.Random of hypothesis
    assert series(*shuffled, zone=zone) == found


def test_change_counts_on_the_local_day_of_the_reading() -> None:
    found = series(reading(1, 90), reading(24, 400), reading(48, 380), zone="Europe/Paris")
    assert found.days == {
        date(2025, 3, 28): DayChange(90, False),
        date(2025, 3, 29): DayChange(310, False),
        date(2025, 3, 30): DayChange(-20, False),
    }


@pytest.mark.parametrize(("zone", "parts"), [("UTC", (6, 24, 24)), ("Europe/Paris", (5, 24, 23))])
def test_change_of_a_long_interval_is_spread_by_time(zone: str, parts: tuple[int, ...]) -> None:
    """The day on which the clocks change is an hour shorter, and gets a smaller part."""
    hours = sum(parts)
    found = series(reading(0, 0), reading(hours, hours * 100), zone=zone)
    assert [change.value for change in found.days.values()] == [part * 100 for part in parts]
    assert all(change.interpolated for change in found.days.values())


def test_first_value_of_an_old_post_belongs_to_no_day() -> None:
    found = series(reading(31, 5000), reading(48, 5100))
    assert found.before_tracking == 5000
    assert [change.value for change in found.days.values()] == [100]
    assert series(reading(30, 5000)).before_tracking == 0


def test_first_typed_value_is_spread_from_publication() -> None:
    """A manual post is often read once. Its value is known to have begun at zero."""
    found = series(reading(168, 700, typed=True))
    assert (found.before_tracking, sum(one.value for one in found.days.values())) == (0, 700)
    assert len(found.days) == 8


def test_reset_counter_starts_again_at_zero() -> None:
    found = series(reading(1, 1000), reading(24, 40), reading(48, 60))
    assert (found.latest, found.earlier_epochs) == (60, 1000)
    assert [change.value for change in found.days.values()] == [1000, 40, 20]


def test_failed_reading_that_recovers_is_not_a_reset() -> None:
    found = series(reading(1, 1000), reading(24, 0), reading(48, 1200))
    assert (found.latest, found.earlier_epochs) == (1200, 0)
    assert sum(change.value for change in found.days.values()) == 1200


def test_small_counter_falls_without_a_reset() -> None:
    found = series(reading(1, 9), reading(24, 0))
    assert [change.value for change in found.days.values()] == [9, -9]


def test_post_with_a_new_id_starts_again_at_zero() -> None:
    found = series(reading(1, 50, native_id="a"), reading(24, 60, native_id="b"))
    assert (found.latest, found.earlier_epochs) == (60, 50)


def test_corrected_entry_is_not_a_reset() -> None:
    found = series(reading(1, 9000, typed=True), reading(24, 90, typed=True))
    assert (found.latest, found.earlier_epochs) == (90, 0)


FAILED = st.lists(st.integers(0, 9), min_size=1, max_size=9)


@given(st.integers(100, 10**6), FAILED, st.integers(50, 300), st.sampled_from(ZONES))
def test_any_number_of_failed_readings_changes_nothing(
    before: int, low: list[int], percent: int, zone: str
) -> None:
    """A counter that falls to almost nothing and comes back at once was never reset."""
    after = max(before * percent // 100, (before + 1) // 2)
    values = [before, *(min(one, before // 11) for one in low), after]
    found = series(*(reading(24 * (at + 1), one) for at, one in enumerate(values)), zone=zone)
    assert sum(change.value for change in found.days.values()) == after
    assert found.earlier_epochs == 0
    assert all(change.value < 2 * max(before, after) for change in found.days.values())


@given(st.integers(1000, 10**6), st.lists(st.integers(1, 40), min_size=2, max_size=20), FAILED)
def test_lasting_fall_is_a_reset_whatever_fails_before_it(
    before: int, growth: list[int], low: list[int]
) -> None:
    """A counter that was reset grows step by step, and both its epochs count."""
    values = [before, *(min(one, 9) for one in low), before, 0]
    for step in growth:
        values.append(values[-1] + step)
    found = series(*(reading(24 * (at + 1), one) for at, one in enumerate(values)))
    if values[-1] < before / 2:
        assert sum(change.value for change in found.days.values()) == before + values[-1]


def test_member_entry_and_another_post_id_are_never_failed_readings() -> None:
    entry = series(reading(24, 500), reading(48, 0, typed=True), reading(72, 510))
    assert sum(change.value for change in entry.days.values()) == 510
    other = series(
        reading(24, 500, native_id="a"),
        reading(48, 0, native_id="b"),
        reading(72, 510, native_id="b"),
    )
    assert sum(change.value for change in other.days.values()) == 1010


@pytest.mark.skipif("GREENROOM_SHARED" not in os.environ, reason="needs the shared field files")
@pytest.mark.parametrize(
    ("name", "total"), [("one_failed", 510), ("two_failed", 510), ("real_reset", 545)]
)
def test_counters_from_the_field(name: str, total: int) -> None:
    path = Path(os.environ["GREENROOM_SHARED"]) / "data" / "field2" / "texts.json"
    field = json.loads(path.read_text())["counters"]
    hours = field["hours_between"]
    values = [reading(hours * (at + 1), value) for at, value in enumerate(field[name])]
    days = series(*values, zone=field["zone"]).days
    assert sum(change.value for change in days.values()) == total
