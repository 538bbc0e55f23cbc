"""The result of a running post: its count after three to 24 hours extrapolated to seven days, as a
range.

A line on logarithms is fitted on the older half of the past posts, and its interval is measured on
the newer half (split conformal), so that it holds whatever the shape of the errors. A more complex
model gains little below 2,000 posts. Pure.

Sources: Szabo and Huberman, Predicting the popularity of online content, 2010; Lei et al.,
Distribution-free predictive inference for regression, 2018.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIN_POSTS = 200
"""Minimum number of past posts with both readings."""

MAX_POSTS = 2000
LEVEL = 0.8


@dataclass(frozen=True)
class GrowthModel:
    """The growth of counts to a later age: log late = intercept + slope · log early ± reach.

    `error` and `baseline_error` are the mean errors of the logarithm on the newer half, as a factor
    less 1 (0.3 is 30 %). The baseline multiplies every count by the same factor; it is used if the
    line does not beat it.
    """

    intercept: float
    slope: float
    reach: float
    posts: int
    error: float
    baseline_error: float
    coverage: float
    """Share of the newer half within the range. It is at least `LEVEL` by construction."""

    @property
    def is_baseline(self) -> bool:
        """Return True if every count grows by the same factor."""
        return self.slope == 1


@dataclass(frozen=True)
class CountRange:
    """An expected count with its 80 % range."""

    expected: int
    low: int
    high: int


def fit_growth(early: Floats, late: Floats) -> GrowthModel:
    """Return the growth of past posts, oldest first. Needs at least four posts; the caller checks
    `MIN_POSTS`."""
    before = np.log1p(early[-MAX_POSTS:])
    after = np.log1p(late[-MAX_POSTS:])
    half = len(before) // 2
    factor = float(np.median(after[:half] - before[:half]))
    slope, intercept = _fit_line(before[:half], after[:half])
    errors = np.abs(after[half:] - (intercept + slope * before[half:]))
    simple = np.abs(after[half:] - (factor + before[half:]))
    if float(errors.mean()) >= float(simple.mean()):
        slope = 1.0
        intercept = factor
        errors = simple
    rank = min(math.ceil((len(errors) + 1) * LEVEL), len(errors)) - 1
    reach = float(np.sort(errors)[rank])
    return GrowthModel(
        intercept,
        slope,
        reach,
        len(before),
        math.expm1(float(errors.mean())),
        math.expm1(float(simple.mean())),
        float((errors <= reach).mean()),
    )


def _fit_line(before: Floats, after: Floats) -> tuple[float, float]:
    """Return slope and intercept; equal counts make a flat line."""
    around = before - before.mean()
    spread = float(around @ around)
    slope = float(around @ after) / spread if spread > 1e-9 else 1.0
    return slope, float(after.mean() - slope * before.mean())


def predict_count(model: GrowthModel, count: int) -> CountRange:
    """Return the range of a post that has `count` now. It never falls below the present count."""
    middle = model.intercept + model.slope * math.log1p(count)
    low, expected, high = (
        max(round(math.expm1(min(middle + shift, 40.0))), count)
        for shift in (-model.reach, 0.0, model.reach)
    )
    return CountRange(expected, low, high)
