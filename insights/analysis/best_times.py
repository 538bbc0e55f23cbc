"""Hours proposed from results: which hours of an account did better than usual, as far as chance
allows to say. Pure.

A Bayesian linear model of log(1 + interactions) at one age of the posts, on two waves over the day
(24 h and 12 h) and the weekend. The best of many hours is chosen by looking at all of them, so the
interval holds for all of them at once. Of accounts whose hours make no difference, 56 % would be
shown a "best" one after 180 posts and 68 % after 720 if it were taken hour by hour; at once it is 2
and 10 % (200 simulated accounts each; `tests/insights/analysis/test_best_times.py`). Source: Gelman
et al., Bayesian Data Analysis, 3rd ed., 14.8 (regression with a known prior); Scheffé, 1953 (at
once).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MIN_SAMPLES = 60
"""Posts of known age below which nothing is said."""

MAX_SAMPLES = 720
"""The newest posts that are looked at."""

PRIOR_SD = 0.15
"""Standard deviation of each wave and of the weekend before anything is known, in logs."""

LEVEL = 0.8
SHOWN = 3
APART = 3
"""Hours between two proposals for the same days: what lies nearer is the same hill."""

_DRAWS = 4000
_FLAT = 1e-4
"""Precision of what is known of the usual height before: nothing, practically."""

_LEAST_VARIANCE = 0.01
_CLOCKS = np.tile(np.arange(24.0), 2)
_WEEKENDS = np.repeat([0.0, 1.0], 24)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class BestHour:
    """An hour of workdays or of weekends: its interactions over the usual ones, as a share (0.3 is
    30 % more), with the bounds between which it lies in 80 of 100 cases."""

    weekend: bool
    clock: int
    lift: float
    low: float
    high: float


@dataclass(frozen=True)
class BestTimesAdvice:
    """What the numbers of an account say: from `posts` posts; `lacking` more are needed before
    anything is said.

    Without `hours` there is no evidence that any hour is better than the usual ones.
    """

    posts: int
    lacking: int
    hours: tuple[BestHour, ...] = ()


def suggest_best_times(samples: Floats) -> BestTimesAdvice:
    """What the results of one account say of its hours, the best first.

    Args:
        samples: shape (n, 3): hour on the creator's clock in [0, 24), 1 on Saturdays and Sundays
            else 0, interactions
            (>= 0) at the same age of each post.
    """
    if len(samples) < MIN_SAMPLES:
        return BestTimesAdvice(len(samples), MIN_SAMPLES - len(samples))
    mean, covariance, usual = _fit_posterior(samples)
    apart = _build_features(_CLOCKS, _WEEKENDS) - usual
    gain = apart @ mean
    spread = np.sqrt(np.einsum("ij,jk,ik->i", apart, covariance, apart))
    reach = _simultaneous_critical_value(apart, covariance, spread) * spread
    found: list[BestHour] = []
    for place in np.argsort(-gain, kind="stable"):
        bounds = np.expm1([gain[place], gain[place] - reach[place], gain[place] + reach[place]])
        one = BestHour(
            bool(_WEEKENDS[place]), int(_CLOCKS[place]), *(float(each) for each in bounds)
        )
        if one.low > 0 and len(found) < SHOWN and all(_is_far_apart(one, other) for other in found):
            found.append(one)
    return BestTimesAdvice(len(samples), 0, tuple(found))


def _build_features(clocks: Floats, weekends: Floats) -> Floats:
    turn = 2 * np.pi * clocks / 24
    waves = (np.cos(turn), np.sin(turn), np.cos(2 * turn), np.sin(2 * turn))
    return np.column_stack((np.ones_like(turn), *waves, weekends))


def _fit_posterior(samples: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and covariance of what is known after these posts, and the features of the usual one."""
    features = _build_features(samples[:, 0], samples[:, 1])
    seen = np.log1p(samples[:, 2])
    precision = np.diag([_FLAT, *[PRIOR_SD**-2] * (features.shape[1] - 1)])
    noise = max(float(seen.var(ddof=1)), _LEAST_VARIANCE)
    covariance = np.linalg.inv(precision + features.T @ features / noise).astype(np.float64)
    return covariance @ features.T @ seen / noise, covariance, features.mean(axis=0)


def _simultaneous_critical_value(apart: Floats, covariance: Floats, spread: Floats) -> float:
    """How many standard deviations hold for all hours at once, by draws of a fixed seed: a page
    says the same twice."""
    drawn = np.random.default_rng(0).standard_normal((_DRAWS, len(covariance)))
    far = np.abs(drawn @ np.linalg.cholesky(covariance).T @ apart.T) / spread
    return float(np.quantile(far.max(axis=1), LEVEL))


def _is_far_apart(one: BestHour, other: BestHour) -> bool:
    around = (one.clock - other.clock) % 24
    return one.weekend != other.weekend or min(around, 24 - around) >= APART
