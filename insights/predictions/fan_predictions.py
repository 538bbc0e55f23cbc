"""Predictions about fans: repeat purchases with their value, grades of leads, and cancellations of
subscriptions. Facts are read in one transaction and predicted in child processes without one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.predictions.child_process import run_in_child
from insights.predictions.evidence import NotEnoughData, require_evidence
from insights.predictions.limits import (
    BUYER_DAYS,
    BUYERS,
    CHURN_EVENTS,
    CHURN_ROWS,
    GRADES,
    LEAD_PURCHASES,
    LEADS,
    RULE_MESSAGES,
)
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import ModelCard, StoredPrediction, waiting_prediction
from subscribers.fans.scores import ScoreDraft
from subscribers.history.fan_outcomes import (
    OPEN_LEAD,
    FanPurchase,
    LeadFacts,
    PeriodFacts,
    list_fan_purchases,
    list_leads,
    list_subscription_periods,
)
from tenants.agencies.queries import Creator

VERSION = 1
FAN_TASKS = (PredictionTask.REPEAT, PredictionTask.LEADS, PredictionTask.CHURN)
RULE = "messages_rule"
_METHODS = "insights.predictions.methods.fans"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class FanFacts:
    """Purchases, first messages and paid periods of the fans of a creator."""

    creator: Creator
    today: date
    purchases: Sequence[FanPurchase]
    leads: Sequence[LeadFacts]
    periods: Sequence[PeriodFacts]


@dataclass(frozen=True)
class FanResult:
    """A prediction of a creator, and the scores of the fans that it concerns."""

    prediction: StoredPrediction
    scores: tuple[ScoreDraft, ...] = ()


def read_fan_facts(scope: Scope, creator: Creator) -> FanFacts:
    """Read the facts of a creator's fans."""
    return FanFacts(
        creator,
        local_day(scope.now, creator.zone),
        list_fan_purchases(scope, creator),
        list_leads(scope, creator),
        list_subscription_periods(scope, creator),
    )


def compute_fan_predictions(
    facts: FanFacts, *, home: Path, now: datetime, has_packages: bool
) -> list[FanResult]:
    """Return the predictions about a creator's fans. Raises Unavailable.

    Without the packages only the rules are used, and the other predictions are absent.
    """
    leads = predict_leads(facts, home=home, now=now, has_packages=has_packages)
    found: list[FanResult | None] = [leads]
    if has_packages:
        found += predict_purchases(facts, home=home, now=now)
        found.append(predict_churn(facts, home=home, now=now))
    return [one for one in found if one is not None]


def predict_purchases(facts: FanFacts, *, home: Path, now: datetime) -> list[FanResult]:
    """Return the expected purchases of each currency."""
    by_currency: defaultdict[str, list[FanPurchase]] = defaultdict(list)
    for one in facts.purchases:
        if one.net_minor > 0 and one.day < facts.today:
            by_currency[one.currency].append(one)
    return [
        _predict_currency(facts, currency, rows, home=home, now=now)
        for currency, rows in sorted(by_currency.items())
    ]


def _predict_currency(
    facts: FanFacts, currency: str, rows: Sequence[FanPurchase], *, home: Path, now: datetime
) -> FanResult:
    fans = sorted({one.fan_id for one in rows})
    first = min(one.day for one in rows)
    lacking = require_evidence(
        len(fans), BUYERS, "buyers", since=first, today=facts.today
    ) or require_evidence(
        (facts.today - first).days, BUYER_DAYS, "days", since=first, today=facts.today
    )
    if lacking is not None:
        return _waiting(facts, PredictionTask.REPEAT, currency, lacking, now)
    places = {fan: place for place, fan in enumerate(fans)}
    found = run_in_child(
        f"{_METHODS}:predict_purchases",
        {
            "fans": [places[one.fan_id] for one in rows],
            "days": [(one.day - _EPOCH).days for one in rows],
            "values": [one.net_minor for one in rows],
            "until": (facts.today - _EPOCH).days,
        },
        home=home,
    )
    scores = tuple(
        ScoreDraft(
            fans[one["fan"]],
            currency,
            chance=one["chance"],
            purchases=one["purchases"],
            value_minor=round(one["value"]),
            low_minor=round(one["low"]),
            high_minor=round(one["high"]),
        )
        for one in found["fans"]
    )
    result = {name: found[name] for name in ("total", "purchases", "active")}
    prediction = _prediction(
        facts,
        PredictionTask.REPEAT,
        currency,
        found["card"],
        result=result,
        error_unit="count_mae",
        first=first,
        now=now,
    )
    return FanResult(prediction, scores)


def predict_leads(
    facts: FanFacts, *, home: Path, now: datetime, has_packages: bool
) -> FanResult | None:
    """Return the grades of fans who wrote lately and have not bought yet, or None without any."""
    known = [one for one in facts.leads if one.bought is not None]
    running = [one for one in facts.leads if one.bought is None or _is_open(one, facts.today)]
    if not facts.leads:
        return None
    lacking = _lacking_events(
        [bool(one.bought) for one in known],
        [one.first_day for one in known],
        facts.today,
        (LEADS, "leads"),
        (LEAD_PURCHASES, "first_purchases"),
    )
    if lacking is not None or not has_packages:
        return _grade_by_rule(facts, running, lacking, now)
    found = run_in_child(
        f"{_METHODS}:predict_leads",
        {
            "rows": [_lead_features(one) for one in [*known, *running]],
            "bought": [*(one.bought for one in known), *[None] * len(running)],
        },
        home=home,
    )
    scores = tuple(
        ScoreDraft(one.fan_id, chance=chance, grade=grade)
        for one, chance, grade in zip(running, found["chances"], found["grades"], strict=True)
    )
    prediction = _prediction(
        facts,
        PredictionTask.LEADS,
        "",
        found["card"],
        result={"open": len(running)},
        error_unit="brier",
        first=min(one.first_day for one in known),
        now=now,
    )
    return FanResult(prediction, scores)


def _is_open(one: LeadFacts, today: date) -> bool:
    return one.bought is False and today - one.first_day <= OPEN_LEAD


def _lead_features(one: LeadFacts) -> list[float]:
    return [one.messages_in, one.messages_out, one.length, one.hour, one.weekday]


def _grade_by_rule(
    facts: FanFacts, running: Sequence[LeadFacts], lacking: NotEnoughData | None, now: datetime
) -> FanResult:
    """Grade leads by their messages of the first day."""
    prediction = waiting_prediction(facts.creator.id, PredictionTask.LEADS, "", lacking, now)
    card = ModelCard(RULE, RULE, None, None, "", None, None, None, "", len(running), VERSION)
    scores = tuple(ScoreDraft(one.fan_id, grade=_rule_grade(one.messages_in)) for one in running)
    return FanResult(
        StoredPrediction(
            prediction.creator_id,
            prediction.task,
            "",
            PredictionState.WAITING if lacking is not None else PredictionState.BASELINE,
            card,
            lacking,
            {"open": len(running)},
            now,
        ),
        scores,
    )


def _rule_grade(messages: int) -> str:
    for grade, least in zip(GRADES, RULE_MESSAGES, strict=False):
        if messages >= least:
            return grade
    return GRADES[-1]


def predict_churn(facts: FanFacts, *, home: Path, now: datetime) -> FanResult | None:
    """Return the probability that each running subscription ends, or None without any."""
    known = [one for one in facts.periods if one.ended is not None]
    latest = {one.fan_id: one for one in facts.periods if one.ended is None}
    running = list(latest.values())
    if not facts.periods:
        return None
    lacking = _lacking_events(
        [bool(one.ended) for one in known],
        [one.last_day for one in known],
        facts.today,
        (CHURN_ROWS, "periods"),
        (CHURN_EVENTS, "cancellations"),
    )
    if lacking is not None:
        return _waiting(facts, PredictionTask.CHURN, "", lacking, now)
    found = run_in_child(
        f"{_METHODS}:predict_churn",
        {
            "rows": [_period_features(one) for one in [*known, *running]],
            "ended": [*(one.ended for one in known), *[None] * len(running)],
        },
        home=home,
    )
    scores = tuple(
        ScoreDraft(one.fan_id, chance=chance)
        for one, chance in zip(running, found["chances"], strict=True)
    )
    prediction = _prediction(
        facts,
        PredictionTask.CHURN,
        "",
        found["card"],
        result={"running": len(running), "expected": sum(found["chances"])},
        error_unit="brier",
        first=min(one.last_day for one in known),
        now=now,
    )
    return FanResult(prediction, scores)


def _period_features(one: PeriodFacts) -> list[float | None]:
    return [
        one.number,
        one.amount_minor,
        one.messages_30,
        one.days_silent,
        one.purchases,
    ]


def _lacking_events(
    outcomes: Sequence[bool],
    days: Sequence[date],
    today: date,
    rows: tuple[int, str],
    events: tuple[int, str],
) -> NotEnoughData | None:
    """Return what is missing of known outcomes, or of events among them."""
    since = min(days, default=None)
    return require_evidence(len(outcomes), *rows, since=since, today=today) or require_evidence(
        min(sum(outcomes), len(outcomes) - sum(outcomes)), *events, since=since, today=today
    )


def _waiting(
    facts: FanFacts, task: PredictionTask, subject: str, lacking: NotEnoughData, now: datetime
) -> FanResult:
    return FanResult(waiting_prediction(facts.creator.id, task, subject, lacking, now))


def _prediction(
    facts: FanFacts,
    task: PredictionTask,
    subject: str,
    card: Mapping[str, Any],
    *,
    result: dict[str, Any],
    error_unit: str,
    first: date,
    now: datetime,
) -> StoredPrediction:
    own = card["own_error"]
    base = card["baseline_error"]
    return StoredPrediction(
        creator_id=facts.creator.id,
        task=task,
        subject=subject,
        state=PredictionState.SERVED if own < base else PredictionState.BASELINE,
        card=ModelCard(
            method=card["method"],
            baseline=card["baseline"],
            own_error=own,
            baseline_error=base,
            error_unit=error_unit,
            coverage=card["coverage"],
            first_day=first,
            last_day=facts.today - timedelta(days=1),
            split="latest_part",
            samples=card["samples"],
            version=VERSION,
        ),
        lacking=None,
        result=result,
        computed_at=now,
        parameters=dict(card["parameters"]),
    )


def list_scored_fans(results: Sequence[FanResult]) -> dict[str, list[ScoreDraft]]:
    """Return the scores of each task; a task without any replaces those of earlier nights."""
    found: dict[str, list[ScoreDraft]] = {str(task): [] for task in FAN_TASKS}
    for one in results:
        found[str(one.prediction.task)] += one.scores
    return found
