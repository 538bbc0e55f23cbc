"""Statistics of experiments: daily peeking raises no false alarms, intervals cover, CUPED helps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.random import default_rng

from insights.analysis.experiment_statistics import (
    IntervalMethod,
    adjust_by_covariate,
    compare_means,
    compare_revenue,
    sequential_factor,
    split_probability,
)

DAYS, DAILY, RATE = 28, 200, 0.03
"""The setting of the simulation: days, units per variant and day, conversion rate."""


def peeked(lift: float, tries: int, seed: int) -> tuple[float, float]:
    """Return the shares of tests in which the fixed and the always-valid interval exclude zero on
    at least one of the days."""
    random = default_rng(seed)
    units = DAILY * np.arange(1, DAYS + 1)
    counts = [
        random.binomial(DAILY, rate, (tries, DAYS)).cumsum(axis=1)
        for rate in (RATE, RATE * (1 + lift))
    ]
    shares = [one / units for one in counts]
    errors = np.sqrt(sum(one * (1 - one) / units for one in shares))
    z = np.abs(shares[1] - shares[0]) / np.maximum(errors, 1e-12)
    valid = np.array([sequential_factor(2 * one, 2 * units[-1]) for one in units])
    told = np.minimum(*counts) >= 5
    return float((told & (z > 1.96)).any(axis=1).mean()), float(
        (told & (z > valid)).any(axis=1).mean()
    )


def test_daily_peeking_raises_no_false_alarm_with_the_always_valid_interval() -> None:
    fixed, valid = peeked(0, 5000, 1)
    assert fixed > 0.2, "a fixed interval that is read daily is wrong this often"
    assert valid <= 0.05


def test_always_valid_interval_still_finds_effects() -> None:
    assert peeked(0.4, 2000, 2)[1] > 0.7


def test_always_valid_factor_matches_compare_means() -> None:
    random = default_rng(3)
    a, b = random.normal(0, 1, 300), random.normal(0.1, 1, 300)
    one = compare_means(a, b, method=IntervalMethod.SEQUENTIAL, planned=600)
    spread = np.sqrt(a.var(ddof=1) / 300 + b.var(ddof=1) / 300)
    assert one.high - one.value == pytest.approx(sequential_factor(600, 600) * spread)
    assert one.high - one.low > compare_means(a, b).high - compare_means(a, b).low


def test_covariate_halves_the_spread_and_keeps_the_effect() -> None:
    random = default_rng(4)
    before = random.normal(0, 2, 4000)
    values = before + random.normal(0, 1, 4000)
    values[2000:] += 0.5
    groups = {"a": (values[:2000], before[:2000]), "b": (values[2000:], before[2000:])}
    raw = compare_means(values[:2000], values[2000:])
    adjusted = adjust_by_covariate({name: (list(x), list(y)) for name, (x, y) in groups.items()})
    told = compare_means(adjusted["a"], adjusted["b"])
    assert told.high - told.low < 0.5 * (raw.high - raw.low)
    assert told.low < 0.5 < told.high


def test_constant_covariate_changes_nothing() -> None:
    found = adjust_by_covariate({"a": ([1, 2], [5, 5]), "b": ([3, 4], [5, 5])})
    assert [list(one) for one in found.values()] == [[1, 2], [3, 4]]


def test_revenue_interval_covers_and_one_whale_decides_nothing() -> None:
    random = default_rng(5)
    hits = 0
    for seed in range(80):
        a, b = (
            np.where(random.random(400) < 0.1, random.lognormal(3, 0.8, 400), 0) for _ in range(2)
        )
        hits += not compare_revenue(list(a), list(b), cap=150.0, seed=seed).is_significant
    assert 0.9 < hits / 80 <= 1
    whale = [0.0] * 400 + [1_000_000.0]
    assert not compare_revenue([0.0] * 401, whale, cap=10).is_significant


@given(some.lists(some.integers(0, 500), min_size=2, max_size=4))
def test_split_probability_ignores_order(counts: list[int]) -> None:
    told = split_probability(counts)
    assert 0 <= told <= 1.0000001
    assert told == pytest.approx(split_probability(counts[::-1]))


def test_split_probability_matches_published_tables() -> None:
    assert split_probability([60, 40]) == pytest.approx(0.0455, abs=1e-4)
    assert split_probability([50, 50, 50]) == pytest.approx(1)
    random = default_rng(6)
    for variants in (3, 4):
        drawn = random.multinomial(400, [1 / variants] * variants, size=4000)
        low = np.mean([split_probability([int(one) for one in each]) < 0.05 for each in drawn])
        assert 0.035 < low < 0.065


def test_planned_size_reaches_its_power() -> None:
    random = default_rng(7)
    total = 126  # 2 · 2 · (1.96 + 0.84)² · (0.8 / 0.4)², for a power of 80 %
    found = [
        compare_means(random.normal(0, 0.8, total // 2), random.normal(0.4, 0.8, total // 2))
        for _ in range(600)
    ]
    assert 0.75 < np.mean([one.is_significant for one in found]) < 0.86
