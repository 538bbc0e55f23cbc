"""Packs recommended to fans: by EASE if it ranks the creator's past purchases better than the most
bought packs do, otherwise the most bought packs.

The order of a chat offer uses them. Which packs may be offered is decided elsewhere.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.predictions.child_process import run_in_child
from insights.predictions.evidence import NotEnoughData, require_evidence
from insights.predictions.limits import (
    PACK_BUYERS,
    POPULAR_DAYS,
    POPULAR_PURCHASES,
    RECOMMENDED_PACKS,
)
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import ModelCard, StoredPrediction
from studio.packs.packs import list_packs
from studio.packs.states import PackState
from subscribers.catalog.recommendations import Recommendation, RecommendationBasis
from subscribers.history.fan_outcomes import PackPurchase, list_pack_purchases
from tenants.agencies.queries import Creator

VERSION = 1
MAX_CELLS = 20_000_000
"""Maximum number of buyers times packs of a fit, which is held in memory as a matrix."""

PERIOD = timedelta(days=730)
MAX_PURCHASES = 200_000
METHOD = "ease"
BASELINE = "most_bought"
_FUNCTION = "insights.predictions.methods.recommendations:recommend_items"


@dataclass(frozen=True)
class PackFacts:
    """The purchases of a creator's packs, oldest first, and the packs on sale."""

    creator: Creator
    today: date
    purchases: Sequence[PackPurchase]
    on_sale: frozenset[UUID]


@dataclass(frozen=True)
class PackResult:
    """The prediction with its model card, and the recommendations of fans."""

    prediction: StoredPrediction
    recommendations: tuple[Recommendation, ...] = ()


def read_pack_facts(scope: Scope, creator: Creator) -> PackFacts:
    """Read the purchases of the last two years, and the packs on sale."""
    return PackFacts(
        creator,
        local_day(scope.now, creator.zone),
        list_pack_purchases(scope, creator, since=scope.now - PERIOD, most=MAX_PURCHASES),
        frozenset(one.id for one in list_packs(scope, [creator.id], states=(PackState.ACTIVE,))),
    )


def predict_packs(
    facts: PackFacts,
    *,
    home: Path,
    now: datetime,
    buyers: int = PACK_BUYERS,
    packs: int = RECOMMENDED_PACKS,
) -> PackResult | None:
    """Return the recommended packs of a creator's fans, or None without purchases.

    With fewer than `buyers` of several packs, or `packs`, only the most bought packs are
    recommended. Raises Unavailable.
    """
    if not facts.purchases:
        return None
    popular = _most_bought(facts, now)
    lacking = _lacking(facts, buyers, packs)
    if lacking is not None:
        return _popular_result(facts, popular, lacking, now)
    fans, found = _fit(facts, home)
    scores = found["scores"]
    card = _card(facts, found["method"], scores, int(found["held_out"]))
    own: list[Recommendation] = []
    if found["method"] == METHOD:
        own = [
            Recommendation(
                fans[int(place)], tuple(map(UUID, ranked)), RecommendationBasis.SIMILAR_BUYERS
            )
            for place, ranked in found["items"].items()
        ]
    state = PredictionState.SERVED if own else PredictionState.BASELINE
    result = {"fans": len(own), "popular": len(popular), "top": 10}
    prediction = StoredPrediction(
        facts.creator.id, PredictionTask.PACKS, "", state, card, None, result, now
    )
    return PackResult(prediction, (*own, *_for_others(popular)))


def _fit(facts: PackFacts, home: Path) -> tuple[list[UUID], dict[str, Any]]:
    """Return the buyers and the result of the fit, in which they are numbers. Only the latest
    buyers are fitted if the matrix would be too large."""
    packs = len({one.pack_id for one in facts.purchases})
    fans = list(dict.fromkeys(one.fan_id for one in reversed(facts.purchases)))
    fans = fans[: MAX_CELLS // packs]
    places = {fan: place for place, fan in enumerate(fans)}
    found = run_in_child(
        _FUNCTION,
        {
            "purchases": [
                (places[one.fan_id], str(one.pack_id), order)
                for order, one in enumerate(facts.purchases)
                if one.fan_id in places
            ],
            "on_sale": [str(one) for one in facts.on_sale],
        },
        home=home,
        needs_packages=False,
    )
    return fans, found


def _lacking(facts: PackFacts, buyers: int, packs: int) -> NotEnoughData | None:
    """Return what EASE lacks: buyers of at least two packs, or bought packs."""
    since = local_day(facts.purchases[0].at, facts.creator.zone)
    owned = Counter(one.fan_id for one in facts.purchases)
    return require_evidence(
        sum(count > 1 for count in owned.values()),
        buyers,
        "repeat_buyers",
        since=since,
        today=facts.today,
    ) or require_evidence(
        len({one.pack_id for one in facts.purchases}),
        packs,
        "packs",
        since=since,
        today=facts.today,
    )


def _most_bought(facts: PackFacts, now: datetime) -> tuple[UUID, ...]:
    """Return the packs on sale by buyers of the last 30 days; none if they are too few."""
    since = now - timedelta(days=POPULAR_DAYS)
    bought = Counter(
        one.pack_id for one in facts.purchases if one.at >= since and one.pack_id in facts.on_sale
    )
    if bought.total() < POPULAR_PURCHASES:
        return ()
    return tuple(sorted(bought, key=lambda pack: (-bought[pack], pack)))


def _for_others(popular: tuple[UUID, ...]) -> tuple[Recommendation, ...]:
    return (Recommendation(None, popular, RecommendationBasis.MOST_BOUGHT),) if popular else ()


def _popular_result(
    facts: PackFacts, popular: tuple[UUID, ...], lacking: NotEnoughData, now: datetime
) -> PackResult:
    card = _card(facts, BASELINE, {}, 0)
    result = {"fans": 0, "popular": len(popular), "top": 10}
    prediction = StoredPrediction(
        facts.creator.id,
        PredictionTask.PACKS,
        "",
        PredictionState.WAITING,
        card,
        lacking,
        result,
        now,
    )
    return PackResult(prediction, _for_others(popular))


def _card(facts: PackFacts, method: str, scores: dict[str, float], samples: int) -> ModelCard:
    """Return the model card. The errors are 1 less the NDCG of the first ten packs."""
    base = scores.get(BASELINE)
    best = max((score for name, score in scores.items() if name != BASELINE), default=base)
    own = best if method == METHOD else base
    return ModelCard(
        method=method,
        baseline=BASELINE,
        own_error=1 - own if own is not None else None,
        baseline_error=1 - base if base is not None else None,
        error_unit="rank_loss",
        coverage=None,
        first_day=local_day(facts.purchases[0].at, facts.creator.zone),
        last_day=local_day(facts.purchases[-1].at, facts.creator.zone),
        split="last_purchase",
        samples=samples,
        version=VERSION,
    )
