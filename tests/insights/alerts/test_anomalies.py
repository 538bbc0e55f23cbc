"""Anomalies: rare without a change, soon after one, and independent of the unit of the series."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from insights.alerts.anomalies import (
    FALSE_DISCOVERY_RATE,
    MAX_ANOMALY_DAYS,
    MIN_DAYS,
    find_anomalies,
    select_discoveries,
)
from insights.alerts.states import AlertDirection

BELOW, ABOVE = AlertDirection.BELOW, AlertDirection.ABOVE
YEAR = 365
SERIES = 60
DROPPED = 200
WEEK = np.array([1, 0.9, 0.95, 1, 1.1, 1.25, 1.15])
LIMIT = MIN_DAYS + 7
"""The day from which a simulated series has changed."""


def simulate(days: int, seed: int, *, change: float = 1.0, mean: float = 30.0) -> NDArray[np.int64]:
    """Return over-dispersed counts with a weekday pattern and a slow drift; from the day `LIMIT` on
    they are multiplied by `change`."""
    rng = np.random.default_rng(seed)
    at = np.arange(days)
    drift = np.exp(0.15 * np.sin(2 * np.pi * at / YEAR + rng.uniform(0, 2 * np.pi)))
    level = mean * WEEK[(at + rng.integers(7)) % 7] * drift
    level[LIMIT:] *= change
    shape = 12
    return rng.poisson(rng.gamma(shape, level / shape))


@cache
def false_alarms(direction: AlertDirection) -> float:
    """Return the number of alarms per series and month without a change."""
    found = sum(
        len(find_anomalies(simulate(MIN_DAYS + YEAR, seed).tolist(), direction))
        for seed in range(SERIES)
    )
    return found / SERIES / 12


def delays(change: float, direction: AlertDirection) -> NDArray[np.int64]:
    """Return the days from a change to its alarm, 99 if there is none within 14 days."""
    found = []
    for seed in range(DROPPED):
        series = simulate(LIMIT + 14, 10_000 + seed, change=change).tolist()
        alarms = [
            max(one.alarmed, LIMIT) - LIMIT + 1
            for one in find_anomalies(series, direction)
            if one.ended is None or one.ended > LIMIT
        ]
        found.append(min(alarms, default=99))
    return np.array(found)


def test_series_without_a_change_alarms_at_most_once_a_month() -> None:
    assert false_alarms(BELOW) <= 0.25
    assert false_alarms(ABOVE) <= 0.25


def test_drop_of_40_percent_is_found_within_14_days() -> None:
    found = delays(0.6, BELOW)
    assert (found <= 14).mean() >= 0.85
    assert (found <= 7).mean() >= 0.5
    assert (delays(1.6, ABOVE) <= 14).mean() >= 0.85


def test_day_at_zero_alarms_at_once() -> None:
    series = [*simulate(LIMIT, 5).tolist(), 0]
    (found,) = find_anomalies(series, BELOW)
    assert found.alarmed == LIMIT
    assert found.ended is None
    assert found.p_value < 0.02
    assert not find_anomalies(series, ABOVE)


def test_anomaly_ends_when_the_level_returns_or_has_changed_for_good() -> None:
    steady = [100] * LIMIT
    (short,) = find_anomalies([*steady, *[40] * 6, *[100] * 10], BELOW)
    assert (short.start, short.seen) == (LIMIT, 240 + 200)
    assert short.ended == LIMIT + 8
    lasting = find_anomalies([*steady, *[40] * 200], BELOW)
    assert lasting[0].ended == lasting[0].alarmed + MAX_ANOMALY_DAYS
    assert lasting[-1].ended is not None


def test_irregular_and_short_series_are_not_checked() -> None:
    assert find_anomalies([10] * MIN_DAYS, BELOW) == []
    assert find_anomalies([10, 0, 0, 0] * 30, BELOW) == []
    assert find_anomalies([None] * 100, BELOW) == []
    assert find_anomalies([*[100] * 20, *[None] * 60, *[0] * 40], BELOW) == []


@given(
    st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**12)), max_size=MIN_DAYS + 40),
    st.sampled_from(AlertDirection),
)
def test_any_series_has_ordered_anomalies_within_it(
    values: Sequence[int | None], direction: AlertDirection
) -> None:
    found = find_anomalies(values, direction)
    for one in found:
        assert MIN_DAYS <= one.start <= one.alarmed < (one.ended or len(values))
        assert 0 <= one.p_value <= 1
    for earlier, later in pairwise(found):
        assert earlier.ended is not None
        assert earlier.ended <= later.start


@given(st.integers(0, 400), st.sampled_from([10, 100, 10_000]))
def test_unit_of_an_amount_does_not_matter(seed: int, factor: int) -> None:
    """The floor of the spread applies to small numbers only, so larger units find the same."""
    series = [100 * one for one in simulate(MIN_DAYS + 60, seed, change=0.6).tolist()]
    first = find_anomalies(series, BELOW)
    scaled = find_anomalies([factor * one for one in series], BELOW)
    assert [(one.start, one.alarmed, one.ended) for one in first] == [
        (one.start, one.alarmed, one.ended) for one in scaled
    ]


@given(st.lists(st.floats(0, 1), max_size=30), st.integers(0, 500))
def test_discoveries_are_the_smallest_p_values_within_the_rate(
    values: list[float], others: int
) -> None:
    tests = len(values) + others
    chosen = select_discoveries(values, tests)
    taken = [value for value, one in zip(values, chosen, strict=True) if one]
    rest = [value for value, one in zip(values, chosen, strict=True) if not one]
    assert all(one <= other for one in taken for other in rest)
    if taken:
        assert max(taken) * tests <= FALSE_DISCOVERY_RATE * len(taken) + 1e-9
    assert sum(select_discoveries([0.0, *values], tests + 1)) >= sum(chosen)
