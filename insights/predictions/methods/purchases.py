"""Repeat purchases and their value: BG/NBD and Gamma-Gamma, with a fallback when the fit fails.

Sources: Fader, Hardie and Lee, 2005, "Counting your customers the easy way" (BG/NBD); Fader and
Hardie, 2013, "The Gamma-Gamma model of monetary value". Times are in weeks. A purchase is a day
with purchases; the first one of a customer is not a repeat purchase.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln, gammaln, hyp2f1

Floats = NDArray[np.float64]
WEEK = 7.0
LEVEL = 0.8
OWN_RATE = "own_rate"
"""Repeat purchases per week so far, continued."""

FALLBACK = "shrunk_rate"
"""`own_rate`, drawn towards the mean of all customers the more, the shorter a customer is known."""

SMALLEST = 1e-2
LARGEST = 1e3
"""A parameter outside these bounds means that the likelihood has no maximum."""

DRAWS = 400
_STARTS = ((0.0, 1.0, 0.0, 0.5), (-1.0, 2.0, -0.5, 1.0))


@dataclass(frozen=True)
class Customers:
    """One row for each customer, all until the same day.

    `repeats` is the number of repeat purchases, `last` the weeks from the first to the last
    purchase, `age` the weeks since the first, `value` the mean value of all purchases.
    """

    ids: NDArray[Any]
    repeats: Floats
    last: Floats
    age: Floats
    value: Floats


@dataclass(frozen=True)
class PurchaseModel:
    """Fitted parameters; `method` is `bg_nbd`, or `FALLBACK` if the fit degenerated."""

    method: str
    counts: tuple[float, float, float, float]
    """r, alpha, a, b of BG/NBD."""
    values: tuple[float, float, float] | None
    """p, q, v of Gamma-Gamma, None if values do not identify them."""
    mean_rate: float
    mean_value: float


@dataclass(frozen=True)
class Expectation:
    """Predictions for each customer: probability of being active, purchases and their value in the
    horizon, and the interval of the value."""

    alive: Floats
    purchases: Floats
    value: Floats
    low: Floats
    high: Floats


def summarize_customers(ids: NDArray[Any], days: Floats, values: Floats, until: float) -> Customers:
    """Return the customers with a purchase before the day `until`, from one row per purchase."""
    inside = (days < until) & (values > 0)
    ids = ids[inside]
    days = days[inside]
    values = values[inside]
    if not len(ids):
        return Customers(ids, *(np.empty(0) for _ in range(4)))
    order = np.lexsort((days, ids))
    ids = ids[order]
    days = days[order]
    values = values[order]
    new_day = np.append(True, (ids[1:] != ids[:-1]) | (days[1:] != days[:-1]))
    totals = np.add.reduceat(values, np.flatnonzero(new_day))
    ids = ids[new_day]
    days = days[new_day]
    starts = np.flatnonzero(np.append(True, ids[1:] != ids[:-1]))
    counts = np.diff(np.append(starts, len(ids)))
    ends = starts + counts - 1
    sums = np.add.reduceat(totals, starts)
    return Customers(
        ids=ids[starts],
        repeats=(counts - 1).astype(np.float64),
        last=(days[ends] - days[starts]) / WEEK,
        age=(until - days[starts]) / WEEK,
        value=sums / counts,
    )


def fit_model(found: Customers) -> PurchaseModel:
    """Return the fitted model. A degenerate fit gives the fallback instead of an error."""
    mean_rate = float(found.repeats.sum() / max(found.age.sum(), 1e-9))
    mean_value = float(found.value.mean()) if len(found.value) else 0.0
    counts = _fit_counts(found)
    values = _fit_values(found)
    method = "bg_nbd" if counts is not None else FALLBACK
    return PurchaseModel(method, counts or (1, 1, 1, 1), values, mean_rate, mean_value)


def _fit_counts(found: Customers) -> tuple[float, float, float, float] | None:
    """Return r, alpha, a and b, or None if the likelihood has no maximum inside the bounds."""
    rows = np.column_stack((found.repeats, found.last, found.age))
    kinds, weights = np.unique(rows, axis=0, return_counts=True)
    if kinds[:, 0].max(initial=0) < 1:
        return None
    best = None
    for start in _STARTS:
        fitted = minimize(
            _count_loss,
            np.array(start),
            args=(kinds[:, 0], kinds[:, 1], kinds[:, 2], weights),
            method="L-BFGS-B",
            bounds=[(np.log(SMALLEST) - 1, np.log(LARGEST) + 1)] * 4,
        )
        if np.isfinite(fitted.fun) and (best is None or fitted.fun < best.fun):
            best = fitted
    if best is None:
        return None
    r, alpha, a, b = (float(each) for each in np.exp(best.x))
    inside = all(SMALLEST < each < LARGEST for each in (r, alpha, a, b))
    return (r, alpha, a, b) if inside else None


def _count_loss(logs: Floats, repeats: Floats, last: Floats, age: Floats, weights: Floats) -> float:
    """Return the mean negative log-likelihood of BG/NBD (equation 6 of the source)."""
    r, alpha, a, b = np.exp(logs)
    common = gammaln(r + repeats) - gammaln(r) + r * np.log(alpha)
    active = betaln(a, b + repeats) - betaln(a, b) - (r + repeats) * np.log(alpha + age)
    bought = np.maximum(repeats, 1)
    left = betaln(a + 1, b + bought - 1) - betaln(a, b) - (r + repeats) * np.log(alpha + last)
    either = np.where(repeats > 0, np.logaddexp(active, left), active)
    return float(-((common + either) * weights).sum() / weights.sum())


def _fit_values(found: Customers) -> tuple[float, float, float] | None:
    """Return p, q and v of Gamma-Gamma from customers with repeat purchases, or None."""
    again = found.repeats > 0
    bought = found.repeats[again] + 1
    value = found.value[again]
    if len(value) < 10 or np.ptp(value) == 0:
        return None
    scale = float(value.mean())

    def loss(logs: Floats) -> float:
        p, q, v = np.exp(logs)
        each = (
            gammaln(p * bought + q)
            - gammaln(p * bought)
            - gammaln(q)
            + q * np.log(v)
            + (p * bought - 1) * np.log(value / scale)
            + p * bought * np.log(bought)
            - (p * bought + q) * np.log(v + bought * value / scale)
        )
        return float(-each.mean())

    bounds = [(-4.0, 6.0)] * 3
    fitted = minimize(loss, np.array([1.0, 1.0, 0.0]), method="L-BFGS-B", bounds=bounds)
    p, q, v = (float(each) for each in np.exp(fitted.x))
    # With q <= 1 the mean value of the population is infinite.
    return (p, q, v * scale) if np.isfinite(fitted.fun) and q > 1.05 else None


def expect_purchases(model: PurchaseModel, found: Customers, weeks: float) -> Expectation:
    """Return the predictions of `model` for the next `weeks`."""
    if model.method == "bg_nbd":
        alive = _probability_alive(model.counts, found)
        purchases = _expected_purchases(model.counts, found, weeks, alive)
        shape = model.counts[0] + found.repeats
    else:
        purchases = _shrunk_rate(model, found) * weeks
        alive = np.ones_like(purchases)
        shape = 1.0 + found.repeats
    each = _expected_value(model, found)
    low, high = _value_interval(alive, purchases, shape, each)
    return Expectation(alive, purchases, purchases * each, low, high)


def own_rate(found: Customers, weeks: float) -> Floats:
    """Return the purchases of the baseline in the next `weeks`."""
    return found.repeats / np.maximum(found.age, 1 / WEEK) * weeks


def _shrunk_rate(model: PurchaseModel, found: Customers) -> Floats:
    """Return purchases per week; the mean counts as much as a customer of mean age."""
    usual = float(found.age.mean()) if len(found.age) else 1.0
    return (found.repeats + model.mean_rate * usual) / (found.age + usual)


def _probability_alive(counts: tuple[float, float, float, float], found: Customers) -> Floats:
    r, alpha, a, b = counts
    bought = np.maximum(found.repeats, 1)
    odds = np.log(a / (b + bought - 1)) + (r + found.repeats) * (
        np.log(alpha + found.age) - np.log(alpha + found.last)
    )
    return np.where(found.repeats > 0, 1 / (1 + np.exp(np.minimum(odds, 700))), 1.0)


def _expected_purchases(
    counts: tuple[float, float, float, float], found: Customers, weeks: float, alive: Floats
) -> Floats:
    """Return the conditional expectation (equation 10 of the source)."""
    r, alpha, a, b = counts
    a = a + 1e-6 if abs(a - 1) < 1e-6 else a  # the formula has a removable singularity at 1
    x = found.repeats
    age = found.age
    ratio = weeks / (alpha + age + weeks)
    left = ((alpha + age) / (alpha + age + weeks)) ** (r + x)
    mean = (a + b + x - 1) / (a - 1) * (1 - left * hyp2f1(r + x, b + x, a + b + x - 1, ratio))
    # Where the series of hyp2f1 does not converge, a customer is assumed to stay.
    stays = (r + x) / (alpha + age) * weeks
    mean = np.where(np.isfinite(mean) & (mean >= 0) & (mean <= stays * 2 + 1), mean, stays)
    return mean * alive


def _expected_value(model: PurchaseModel, found: Customers) -> Floats:
    """Return the expected value of a customer's next purchase."""
    bought = found.repeats + 1
    if model.values is None:
        return (found.value * bought + model.mean_value) / (bought + 1)
    p, q, v = model.values
    return p * (v + bought * found.value) / (p * bought + q - 1)


def _value_interval(
    alive: Floats, purchases: Floats, shape: Floats, each: Floats
) -> tuple[Floats, Floats]:
    """Return the interval of the value in the horizon by simulation with a fixed seed.

    Purchases of an active customer are negative binomial, values vary by a third around the
    expected one.
    """
    drawn = np.random.default_rng(0)
    mean = purchases / np.maximum(alive, 1e-6)
    quantiles = np.empty((2, len(mean)))
    for first in range(0, len(mean), 5000):
        part = slice(first, first + 5000)
        size = (DRAWS, len(mean[part]))
        rate = drawn.gamma(shape[part], mean[part] / shape[part], size=size)
        counts = drawn.poisson(rate) * (drawn.random(size) < alive[part])
        values = counts * each[part] * drawn.gamma(9.0, 1 / 9.0, size=size)
        quantiles[:, part] = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return quantiles[0], quantiles[1]
