"""Scores of repeat purchases: the model of a first period predicts the second one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.errors import BadInput
from insights.predictions.methods.purchases import (
    LEVEL,
    OWN_RATE,
    WEEK,
    Customers,
    Floats,
    expect_purchases,
    fit_model,
    own_rate,
    summarize_customers,
)
from insights.predictions.methods.tables import parse_days, parse_numbers, read_table

COLUMNS = {
    "customer_id": ("customer", "client", "client_id", "user_id", "id", "fan_id"),
    "date": ("ds", "day", "invoice_date", "order_date", "purchase_date", "timestamp"),
    "value": ("amount", "price", "revenue", "total", "sales", "spend"),
}
MIN_CUSTOMERS = 50
MIN_DAYS = 56


@dataclass(frozen=True)
class PurchaseScores:
    """Errors of method and baseline on the second period, and the coverage of the interval."""

    method: str
    own: dict[str, float]
    baseline: dict[str, float]
    coverage: float
    total_ratio: float
    customers: int


def evaluate_purchases(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]` with `customer_id`, `date` and `value`.

    The first half of the time from the first to the last purchase is used to fit, the second half
    to score; or the last `horizon` days. Rows without a positive value are ignored.

    Raises BadInput.
    """
    table = read_table(payload["file"], COLUMNS)
    rows = table.rows
    days = parse_days(rows["date"], "date").to_numpy()
    values = parse_numbers(rows["value"], table.decimal, "value").to_numpy()
    ids = rows["customer_id"].cat.codes.to_numpy()
    usable = (ids >= 0) & ~np.isnan(days) & (values > 0)
    ids = ids[usable]
    days = days[usable]
    values = values[usable]
    if not len(ids):
        raise BadInput("evaluate.no_rows")
    first = float(days.min())
    last = float(days.max()) + 1
    if last - first < MIN_DAYS:
        raise BadInput("evaluate.short_span", days=int(last - first), need=MIN_DAYS)
    horizon = float(payload.get("horizon") or 0) or np.floor((last - first) / 2)
    split = max(last - horizon, first + 1)
    found = score_split(ids, days, values, split=split, until=last)
    return {
        "metrics": {
            "method": {"name": found.method, **_rounded(found.own)},
            "baseline": {"name": OWN_RATE, **_rounded(found.baseline)},
            "interval": {"level": LEVEL, "coverage": round(found.coverage, 4)},
        },
        "n": found.customers,
        "split": {
            "kind": "in time",
            "days_fitted": int(split - first),
            "days_scored": int(last - split),
        },
    }


def score_split(
    ids: NDArray[Any], days: Floats, values: Floats, *, split: float, until: float
) -> PurchaseScores:
    """Return the scores of the days from `split` to `until` of the customers known before.

    Raises BadInput with fewer than `MIN_CUSTOMERS` customers.
    """
    before = summarize_customers(ids, days, values, split)
    if len(before.ids) < MIN_CUSTOMERS:
        raise BadInput("evaluate.few_customers", have=len(before.ids), need=MIN_CUSTOMERS)
    weeks = (until - split) / WEEK
    model = fit_model(before)
    ahead = expect_purchases(model, before, weeks)
    counts, spent = _actual(ids, days, values, before, split=split, until=until)
    instead = own_rate(before, weeks)
    inside = (ahead.low - 1e-9 <= spent) & (spent <= ahead.high + 1e-9)
    return PurchaseScores(
        method=model.method,
        own=_errors(counts, spent, ahead.purchases, ahead.value),
        baseline=_errors(counts, spent, instead, instead * before.value),
        coverage=float(inside.mean()),
        total_ratio=float(ahead.value.sum() / max(spent.sum(), 1e-9)),
        customers=len(before.ids),
    )


def _actual(
    ids: NDArray[Any],
    days: Floats,
    values: Floats,
    before: Customers,
    *,
    split: float,
    until: float,
) -> tuple[Floats, Floats]:
    """Return the days with purchases and the value of each known customer after the split."""
    after = (days >= split) & (days < until) & (values > 0) & np.isin(ids, before.ids)
    places = np.searchsorted(before.ids, ids[after])
    spent = np.bincount(places, weights=values[after], minlength=len(before.ids)).astype(np.float64)
    pairs = np.unique(np.column_stack((places, days[after])), axis=0)
    counts = np.bincount(pairs[:, 0].astype(int), minlength=len(before.ids))
    return counts.astype(np.float64), spent


def _errors(counts: Floats, spent: Floats, purchases: Floats, value: Floats) -> dict[str, float]:
    """Return errors of counts and values. The Brier score concerns "buys at least once"."""
    again = 1 - np.exp(-purchases)
    return {
        "count_mae": float(np.abs(counts - purchases).mean()),
        "count_rmse": float(np.sqrt(np.square(counts - purchases).mean())),
        "brier": float(np.square((counts > 0) - again).mean()),
        "value_mae": float(np.abs(spent - value).mean()),
        "total_ratio": float(purchases.sum() / max(counts.sum(), 1e-9)),
        "value_total_ratio": float(value.sum() / max(spent.sum(), 1e-9)),
    }


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(score, 4) for name, score in scores.items()}
