"""Ranges of running posts hold as often as they say; a method that does not help is not used."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as some

from insights.predictions.growth import LEVEL, MIN_POSTS, Floats, fit_growth, predict_count


def simulated(seed: int, posts: int, *, spread: float = 0.7) -> tuple[Floats, Floats]:
    """Draw posts whose counts grow as `late = 8 · early^0.9` with heavy-tailed errors."""
    random = np.random.default_rng(seed)
    early = np.floor(np.exp(random.normal(4, 1.2, posts)))
    noise = random.standard_t(4, posts) * spread
    return early, np.floor(np.maximum(8 * early**0.9 * np.exp(noise), early))


def test_ranges_of_later_posts_hold_as_often_as_stated() -> None:
    hits, tries = 0, 0
    for seed in range(150):
        early, late = simulated(seed, MIN_POSTS + 20)
        model = fit_growth(early[:MIN_POSTS], late[:MIN_POSTS])
        for before, after in zip(early[MIN_POSTS:], late[MIN_POSTS:], strict=True):
            found = predict_count(model, int(before))
            hits += found.low <= after <= found.high
            tries += 1
    assert LEVEL - 0.03 < hits / tries < LEVEL + 0.04


def test_line_beats_a_constant_factor_only_where_it_should() -> None:
    line = fit_growth(*simulated(1, 1000, spread=0.2))
    assert not line.is_baseline
    assert line.error < line.baseline_error
    early, _ = simulated(2, 400)
    random = np.random.default_rng(3)
    same = fit_growth(early, np.floor(early * 5 * np.exp(random.normal(0, 0.1, 400))))
    assert same.error <= same.baseline_error * 1.01
    assert abs(predict_count(same, 1000).expected - 5000) < 600


@given(some.lists(some.tuples(some.integers(0, 10**9), some.integers(0, 10**9)), min_size=4))
@settings(max_examples=60)
def test_range_contains_expectation_and_never_shrinks_a_count(pairs: list[tuple[int, int]]) -> None:
    early, late = (np.array(one, dtype=np.float64) for one in zip(*pairs, strict=True))
    model = fit_growth(early, late)
    for count in (0, 1, 10**9):
        found = predict_count(model, count)
        assert count <= found.low <= found.expected <= found.high
