"""Scores of recommendations on a file of purchases or ratings."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foundation.errors import BadInput
from insights.predictions.methods.recommendations import (
    BASELINE,
    MAX_ITEMS,
    PENALTIES,
    Purchases,
    Recommender,
    build_purchases,
    ease_weights,
    fit_recommender,
    gains_of_ranks,
    last_purchases,
    score_ranks,
)
from insights.predictions.methods.tables import parse_days, parse_numbers, read_table

BUYERS = ("customer_id", "fan_id", "buyer_id", "member_id", "visitorid", "user")
ITEMS = ("product_id", "pack_id", "movie_id", "asin", "sku", "item", "movieid", "stock_code")
TIMES = ("date", "timestamp", "time", "ds", "created_at", "invoicedate")
RATINGS = ("rating", "score", "stars")
GOOD = 0.7
"""Share of the highest rating from which an item counts as chosen."""

MIN_BUYERS = 50
MIN_ITEMS = 20
LEVEL = 0.8
DRAWS = 200
MAX_CELLS = 60_000_000
"""Maximum number of buyers times items; further buyers are left out."""


def evaluate_recommendations(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the scores of `payload["file"]`: `user_id`, `item_id`, and optionally `date` and
    `rating`.

    The last purchase of each buyer with at least three is held out; without dates, the last in the
    file. The method is selected on the purchases before it. Raises BadInput.
    """
    rows = read_table(payload["file"], {"user_id": BUYERS, "item_id": ITEMS}).rows
    rows = _add_optional(rows, payload["file"]).dropna(subset=["user_id", "item_id"])
    rows = _limit_buyers(rows, int(payload.get("limit") or 0))
    found, _, _ = build_purchases(
        rows["user_id"].astype(str).to_numpy(),
        rows["item_id"].astype(str).to_numpy(),
        rows["order"].to_numpy(dtype=np.float64),
    )
    held = last_purchases(found, 3)
    if held.sum() < MIN_BUYERS or found.item_count < MIN_ITEMS:
        raise BadInput(
            "evaluate.few_rows",
            have=int(held.sum()),
            events=found.item_count,
            need=MIN_BUYERS,
            need_events=MIN_ITEMS,
        )
    kept, _, _ = build_purchases(found.buyers[~held], found.items[~held], found.order[~held])
    own = fit_recommender(kept)
    return _compare(found, held, own)


def _compare(found: Purchases, held: NDArray[np.bool_], own: Recommender) -> dict[str, Any]:
    """Return the scores of the selected method and of the baseline on held-out purchases."""
    bought = found.matrix(~held)
    popularity = bought.sum(axis=0)
    buyers = found.buyers[held]
    items = found.items[held]
    weights = None
    if own.weights is not None:
        weights = ease_weights(bought, max(PENALTIES, key=lambda one: own.scores[str(one)]))
    method = Recommender(own.name, weights, popularity, {})
    instead = Recommender(BASELINE, None, popularity, {})
    gains = gains_of_ranks(method, bought, buyers, items)
    drawn = np.random.default_rng(0).integers(0, len(gains), (DRAWS, len(gains)))
    ends = np.quantile(gains[drawn].mean(axis=1), ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return {
        "metrics": {
            "method": {"name": own.name, **_rounded(score_ranks(method, bought, buyers, items))},
            "baseline": {
                "name": BASELINE,
                **_rounded(score_ranks(instead, bought, buyers, items)),
            },
            "interval": {"level": LEVEL, "ndcg": [round(float(one), 4) for one in ends]},
        },
        "n": int(held.sum()),
        "split": {
            "kind": "last_purchase",
            "rows_fitted": int((~held).sum()),
            "rows_scored": int(held.sum()),
            "items": found.item_count,
        },
    }


def _add_optional(rows: pd.DataFrame, file: str) -> pd.DataFrame:
    """Add the order of purchases, and leave out items that were rated badly."""
    every = read_table(file, {}).rows
    names = {str(name).strip().casefold(): name for name in every.columns}
    time = next((names[one] for one in TIMES if one in names), None)
    rating = next((names[one] for one in RATINGS if one in names), None)
    order = np.arange(len(rows), dtype=np.float64)
    if time is not None:
        days = parse_days(every[time], str(time)).to_numpy()
        order = np.where(np.isnan(days), -1.0, days) + order / (len(rows) + 1)
    rows = rows.assign(order=order)
    if rating is not None:
        stars = parse_numbers(every[rating], ".", str(rating)).to_numpy()
        if np.nanmax(stars) > np.nanmin(stars):
            rows = rows[stars >= GOOD * np.nanmax(stars)]
    return rows


def _limit_buyers(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Return the rows of at most as many buyers as the memory allows, the busiest first."""
    counts = rows["user_id"].astype(str).value_counts()
    items = min(MAX_ITEMS, rows["item_id"].nunique())
    most = min(limit or len(counts), MAX_CELLS // max(1, items))
    if len(counts) <= most:
        return rows
    return rows[rows["user_id"].astype(str).isin(counts.index[:most])]


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in scores.items()}
