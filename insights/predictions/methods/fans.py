"""Predictions about the fans of one creator: repeat purchases, first purchases, cancellations.

Each returns the predictions and a card: the method that is served, its error and the baseline's on
the latest part of the past, which did not determine the method. The baseline is served where the
method is not better.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from insights.predictions.limits import (
    GRADE_SHARES,
    GRADES,
    VALUE_DAYS,
)
from insights.predictions.methods.classifier import (
    BASELINE,
    Features,
    FittedClassifier,
    calibration_error,
    fit_classifier,
    fit_rule,
    score_brier,
)
from insights.predictions.methods.purchase_scores import score_split
from insights.predictions.methods.purchases import (
    FALLBACK,
    OWN_RATE,
    WEEK,
    Floats,
    PurchaseModel,
    expect_purchases,
    fit_model,
    summarize_customers,
)

TEST_SHARE = 0.3
MAX_CALIBRATION_ERROR = 0.1


def predict_purchases(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return expected purchases and value of the next `VALUE_DAYS` days of each buyer.

    `fans`, `days` (numbers) and `values` have one item for each fan and day with purchases;
    `until` is the day after the last one. Fans are numbers.
    """
    ids = np.array(payload["fans"], dtype=np.int64)
    days = np.array(payload["days"], dtype=np.float64)
    values = np.array(payload["values"], dtype=np.float64)
    until = float(payload["until"])
    span = until - float(days.min())
    scored = score_split(
        ids, days, values, split=until - np.floor(min(VALUE_DAYS, span / 3)), until=until
    )
    found = summarize_customers(ids, days, values, until)
    model = fit_model(found)
    if scored.own["count_mae"] >= scored.baseline["count_mae"] or scored.method == FALLBACK:
        # The shrunken rate keeps a customer known for a few days from dominating.
        model = PurchaseModel(
            FALLBACK, model.counts, model.values, model.mean_rate, model.mean_value
        )
    ahead = expect_purchases(model, found, VALUE_DAYS / WEEK)
    low, high = _total_interval(ahead.value, ahead.low, ahead.high, scored.total_ratio)
    return {
        "card": {
            "method": model.method,
            "baseline": OWN_RATE,
            "own_error": scored.own["count_mae"],
            "baseline_error": scored.baseline["count_mae"],
            "coverage": scored.coverage,
            "samples": len(found.ids),
            "parameters": {"r_alpha_a_b": model.counts, "p_q_v": model.values},
        },
        "total": [float(ahead.value.sum()), low, high],
        "purchases": float(ahead.purchases.sum()),
        "active": float(ahead.alive.sum()),
        "fans": [
            {
                "fan": int(fan),
                "chance": round(float(ahead.alive[place]), 4),
                "purchases": round(float(ahead.purchases[place]), 4),
                "value": float(ahead.value[place]),
                "low": float(min(ahead.low[place], ahead.value[place])),
                "high": float(max(ahead.high[place], ahead.value[place])),
            }
            for place, fan in enumerate(found.ids)
        ],
    }


def _total_interval(value: Floats, low: Floats, high: Floats, ratio: float) -> tuple[float, float]:
    """Return the interval of the sum: independent fans, and the error of the total in the past."""
    total = float(value.sum())
    independent = float(np.sqrt(np.square((high - low) / 2).sum()))
    common = total * min(abs(1 / ratio - 1), 1.0) if ratio > 0 else total
    width = float(np.hypot(independent, common))
    return max(total - width, 0.0), total + width


def predict_churn(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probability that each running subscription is not renewed.

    `rows` are lists of numbers (null if unknown) by end of period, `ended` their outcome, null for
    running ones.
    """
    return _predict_events(payload["rows"], payload["ended"])


def predict_leads(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the probability of a first purchase of each open lead, and its grade.

    Grades are shares of the probabilities of past leads. They are hidden (empty) unless, among the
    latest leads, each grade bought more often than the next.
    """
    found = _predict_events(payload["rows"], payload["bought"])
    grades = np.array(found["grades_of_test"])
    outcome = np.array(found["outcomes_of_test"])
    rates = [
        float(outcome[grades == grade].mean()) if (grades == grade).any() else None
        for grade in GRADES
    ]
    known = [rate for rate in rates if rate is not None]
    falling = len(known) == len(GRADES) and all(a > b for a, b in pairwise(known))
    found["card"]["parameters"] = {"rates": rates, "shown": falling}
    if not falling:
        found["grades"] = [""] * len(found["grades"])
    return found


def _predict_events(
    rows: Sequence[Sequence[float | None]], outcomes: Sequence[bool | None]
) -> dict[str, Any]:
    table = np.array(rows, dtype=np.float64)
    known = np.array([one is not None for one in outcomes])
    table = table[:, _varies(table[known])]
    happened = np.array([int(one) for one in outcomes if one is not None], dtype=np.int64)
    past = _features(table[known])
    cut = int(len(happened) * (1 - TEST_SHARE))
    train = np.arange(cut)
    test = np.arange(cut, len(happened))
    fitted = fit_classifier(past.rows(train), happened[train])
    own = fitted.predict(past.rows(test))
    instead = fitted.rule.predict(past.rows(test))
    scores = score_brier(happened[test], own), score_brier(happened[test], instead)
    gap = calibration_error(happened[test], own, bins=5)
    better = scores[0] < scores[1] and gap <= MAX_CALIBRATION_ERROR
    bounds = _grade_bounds(fitted.out_of_fold if better else fitted.rule.predict(past.rows(train)))
    chances = _predict_open(past, happened, _features(table[~known]), fitted, better=better)
    return {
        "card": {
            "method": fitted.name if better else BASELINE,
            "baseline": BASELINE,
            "own_error": scores[0],
            "baseline_error": scores[1],
            "coverage": None,
            "samples": len(happened),
            "parameters": {"calibration_error": gap},
        },
        "chances": [round(float(chance), 4) for chance in chances],
        "grades": _grades(chances, bounds),
        "grades_of_test": _grades(own if better else instead, bounds),
        "outcomes_of_test": happened[test].tolist(),
    }


def _varies(table: Floats) -> NDArray[np.bool_]:
    """Return the columns with at least two different known values, or the first one."""
    found = np.array([len(np.unique(column[~np.isnan(column)])) > 1 for column in table.T])
    found[0] |= not found.any()
    return found


def _features(table: Floats) -> Features:
    return Features(table, np.empty((len(table), 0), dtype=np.int64))


def _predict_open(
    past: Features,
    happened: NDArray[np.int64],
    running: Features,
    fitted: FittedClassifier,
    *,
    better: bool,
) -> Floats:
    """Return the probabilities of open rows by the method, fitted again to all known rows."""
    if not len(running.numbers):
        return np.empty(0)
    if not better:
        return fit_rule(past, happened).predict(running)
    fitted.refit(past, happened)
    return fitted.predict(running)


def _grade_bounds(chances: Floats) -> Floats:
    """Return the smallest probability of each grade but the last."""
    shares = np.cumsum(GRADE_SHARES)[:-1]
    bounds: Floats = np.quantile(chances, 1 - shares)
    return bounds


def _grades(chances: Floats, bounds: Floats) -> list[str]:
    return [
        next(
            (grade for grade, least in zip(GRADES, bounds, strict=False) if chance >= least),
            GRADES[-1],
        )
        for chance in chances
    ]
