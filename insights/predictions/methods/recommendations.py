"""Recommendation of packs to buyers: EASE, a linear model between items
(https://arxiv.org/abs/1905.03375), or the most bought items, whichever ranks past purchases
better.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]
BASELINE = "most_bought"
METHOD = "ease"
TOP = 10
PENALTIES = (20.0, 100.0, 500.0)
"""Values of the ridge penalty of EASE from which past data select."""

MAX_ITEMS = 4_000
"""Maximum number of items, the most bought ones: EASE inverts a matrix of this size."""

MIN_MARGIN = 1.02
"""Factor by which EASE must beat the most bought items to be used."""

_BATCH = 2_000


@dataclass(frozen=True)
class Purchases:
    """Each pair of a buyer and an item once, as numbers from 0; `order` sorts by time."""

    buyers: Rows
    items: Rows
    order: Rows
    buyer_count: int
    item_count: int

    def matrix(self, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """Return buyers by items: 1 where bought."""
        found = np.zeros((self.buyer_count, self.item_count))
        rows = slice(None) if chosen is None else chosen
        found[self.buyers[rows], self.items[rows]] = 1.0
        return found


@dataclass(frozen=True)
class Recommender:
    """The selected method; `weights` of EASE by item, `popularity` of each item."""

    name: str
    weights: Floats | None
    popularity: Floats
    scores: Mapping[str, float]
    excluded: NDArray[np.bool_] | None = None
    """Items that are not ranked."""

    def rank(self, bought: Floats) -> Rows:
        """Return the best items of each buyer that they do not have, best first."""
        found = bought @ self.weights if self.weights is not None else np.zeros_like(bought)
        found = found + 1e-6 * self.popularity  # for buyers of whom nothing is known
        found[bought > 0] = -np.inf
        if self.excluded is not None:
            found[:, self.excluded] = -np.inf
        best = np.argsort(-found, axis=1, kind="stable")[:, :TOP]
        return best


def last_purchases(found: Purchases, least: int = 2) -> NDArray[np.bool_]:
    """Return which purchases are the last of a buyer with at least `least`."""
    rows = np.lexsort((found.order, found.buyers))
    buyers = found.buyers[rows]
    is_last = np.append(buyers[1:] != buyers[:-1], True)
    counts = np.bincount(found.buyers, minlength=found.buyer_count)
    held = np.zeros(len(rows), dtype=np.bool_)
    held[rows[is_last]] = True
    return held & (counts[found.buyers] >= least)


def fit_recommender(found: Purchases) -> Recommender:
    """Return the method that best ranks the last purchase of each buyer, fitted on all
    purchases."""
    held = last_purchases(found)
    popularity = np.bincount(found.items, minlength=found.item_count).astype(np.float64)
    scores = score_methods(found, held) if held.any() else {BASELINE: 0.0}
    best = max((name for name in scores if name != BASELINE), key=scores.__getitem__, default="")
    if not best or scores[best] < MIN_MARGIN * scores[BASELINE]:
        return Recommender(BASELINE, None, popularity, scores)
    weights = ease_weights(found.matrix(), float(best))
    return Recommender(METHOD, weights, popularity, scores)


def score_methods(found: Purchases, held: NDArray[np.bool_]) -> dict[str, float]:
    """Return the NDCG of the most bought items, and of EASE by penalty, on held-out purchases."""
    bought = found.matrix(~held)
    popularity = bought.sum(axis=0)
    rows = found.buyers[held], found.items[held]
    scores = {
        BASELINE: score_ranks(Recommender(BASELINE, None, popularity, {}), bought, *rows)["ndcg"]
    }
    for penalty in PENALTIES:
        one = Recommender(METHOD, ease_weights(bought, penalty), popularity, {})
        scores[str(penalty)] = score_ranks(one, bought, *rows)["ndcg"]
    return scores


def ease_weights(bought: Floats, penalty: float) -> Floats:
    """Return the weights of EASE between items, with zeros on the diagonal."""
    inverse = np.linalg.inv(bought.T @ bought + penalty * np.eye(bought.shape[1]))
    weights: Floats = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return weights


def score_ranks(used: Recommender, bought: Floats, buyers: Rows, items: Rows) -> dict[str, float]:
    """Return NDCG and hit rate of the first `TOP` items for one held-out item of each buyer."""
    gains = gains_of_ranks(used, bought, buyers, items)
    if not len(gains):
        return {"ndcg": 0.0, "hit_rate": 0.0}
    return {"ndcg": float(gains.mean()), "hit_rate": float((gains > 0).mean())}


def gains_of_ranks(used: Recommender, bought: Floats, buyers: Rows, items: Rows) -> Floats:
    """Return the discounted gain of each held-out item: 1 in first place, 0 below `TOP`."""
    found = [np.zeros(0)]
    for at in range(0, len(buyers), _BATCH):
        ranked = used.rank(bought[buyers[at : at + _BATCH]])
        right = ranked == items[at : at + _BATCH, None]
        found.append((right / np.log2(np.arange(2, ranked.shape[1] + 2))).sum(axis=1))
    return np.concatenate(found)


def build_purchases(
    buyers: Sequence[Any] | Rows, items: Sequence[Any] | Rows, order: Sequence[float] | Rows
) -> tuple[Purchases, list[Any], list[Any]]:
    """Return purchases as numbers, and the buyers and items of these numbers.

    Only the first purchase of an item by a buyer counts, and only the most bought `MAX_ITEMS`.
    """
    who, by_buyer = np.unique(np.asarray(buyers, dtype=object).astype(str), return_inverse=True)
    what, by_item = np.unique(np.asarray(items, dtype=object).astype(str), return_inverse=True)
    kept = np.argsort(-np.bincount(by_item, minlength=len(what)), kind="stable")[:MAX_ITEMS]
    number = np.full(len(what), -1)
    number[kept] = np.arange(len(kept))
    rows = np.lexsort((np.asarray(order, dtype=np.float64), by_item, by_buyer))
    first = np.append(
        True,
        (by_buyer[rows][1:] != by_buyer[rows][:-1]) | (by_item[rows][1:] != by_item[rows][:-1]),
    )
    rows = rows[first & (number[by_item[rows]] >= 0)]
    times = np.argsort(np.asarray(order, dtype=np.float64), kind="stable")
    place = np.empty(len(times), dtype=np.int64)
    place[times] = np.arange(len(times))
    found = Purchases(by_buyer[rows], number[by_item[rows]], place[rows], len(who), len(kept))
    return found, list(who), list(what[kept])


def recommend_items(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the best items of each buyer of `payload["purchases"]`, which are triples of buyer,
    item and time, and the method with its scores.

    With `payload["on_sale"]` only these items are ranked; the others still say what a buyer likes.
    """
    rows = payload["purchases"]
    buyers, items, times = zip(*rows, strict=True) if rows else ((), (), ())
    if not rows:
        return {"method": BASELINE, "scores": {}, "items": {}, "held_out": 0}
    found, who, what = build_purchases(buyers, items, times)
    used = fit_recommender(found)
    bought = found.matrix()
    on_sale = payload.get("on_sale")
    if on_sale is not None:
        ended = ~np.isin(np.asarray(what), np.asarray(list(map(str, on_sale)), dtype=str))
        used = replace(used, excluded=ended)
    left = (bought == 0) & ~used.excluded if used.excluded is not None else bought == 0
    ranked = used.rank(bought)
    return {
        "method": used.name,
        "scores": {name: round(score, 4) for name, score in used.scores.items()},
        "held_out": int(last_purchases(found).sum()),
        "items": {
            buyer: [what[item] for item in ranked[row][: int(left[row].sum())]]
            for row, buyer in enumerate(who)
        },
    }
