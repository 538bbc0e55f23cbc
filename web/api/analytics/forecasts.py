"""API route of forecasts: sales and followers, value of buyers, leads and cancellations, with their
intervals, the data that they need, and their errors on the creator's own past."""

from datetime import date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from foundation.db.database import OpenScope, Scope
from insights.predictions import storage
from insights.predictions.evidence import NotEnoughData
from insights.predictions.limits import VALUE_DAYS
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import StoredPrediction
from tenants.api_keys.keys import ApiKeyScope
from web.api.analytics.analytics import PREFIX, cut_page
from web.api.common.calls import ApiCall, Caller, read_dependency
from web.api.common.schemas import CreatorPageQuery


class ForecastsQuery(CreatorPageQuery):
    """A page of the predictions of one task: `forecast` (sales, followers, views, new fans),
    `repeat` (purchases of known buyers), `leads` or `churn`."""

    task: Literal["forecast", "repeat", "leads", "churn"] = "forecast"


class LackingOut(BaseModel):
    """Data that a prediction has and needs, such as 12 of 56 days; `expected_on` is the day on
    which there is enough at the present pace, or null."""

    have: int
    need: int
    unit: str
    expected_on: date | None

    @classmethod
    def of(cls, one: NotEnoughData) -> "LackingOut":
        return cls(have=one.have, need=one.need, unit=one.unit, expected_on=one.expected_on)


class ExpectedTotalOut(BaseModel):
    """The expected total of the next `days`, or the count of followers after them, with its 80 %
    interval."""

    days: int
    value: float
    low: float | None
    high: float | None


class ExpectedDayOut(BaseModel):
    """The expected value of a day with its 80 % interval."""

    day: date
    value: float
    low: float | None
    high: float | None


class ForecastOut(BaseModel):
    """A prediction. `metric` is a code of `/analytics/metrics`; amounts are in minor units of
    `currency`. `own_error` and `baseline_error` are errors on past data in `error_unit`; `coverage`
    is the share of past values within the interval. `lacking` is null if there is enough data.

    `days` are those of a `forecast`; `totals` also contain the sales to known buyers (`repeat`).
    `figures` are counts of the other tasks: `active` buyers and expected `purchases`, `open` leads,
    or `running` subscriptions and `expected` cancellations.
    """

    creator_id: UUID
    task: PredictionTask
    metric: str
    currency: str
    state: PredictionState
    method: str
    baseline: str
    own_error: float | None
    baseline_error: float | None
    error_unit: str
    coverage: float | None
    samples: int
    lacking: LackingOut | None
    totals: list[ExpectedTotalOut]
    days: list[ExpectedDayOut]
    figures: dict[str, float]
    computed_at: datetime

    @classmethod
    def of(cls, one: StoredPrediction) -> "ForecastOut":
        metric, currency = _split_subject(one)
        return cls(
            creator_id=one.creator_id,
            task=one.task,
            metric=metric,
            currency=currency,
            state=one.state,
            method=one.card.method,
            baseline=one.card.baseline,
            own_error=one.card.own_error,
            baseline_error=one.card.baseline_error,
            error_unit=one.card.error_unit,
            coverage=one.card.coverage,
            samples=one.card.samples,
            lacking=LackingOut.of(one.lacking) if one.lacking is not None else None,
            totals=_list_totals(one),
            days=_list_days(one),
            figures=_list_figures(one),
            computed_at=one.computed_at,
        )


class ForecastsOut(BaseModel):
    """Predictions, by creator and metric. `next` is the cursor of the next page, or null."""

    items: list[ForecastOut]
    next: str | None


def _split_subject(one: StoredPrediction) -> tuple[str, str]:
    """Return the metric and the currency of a prediction."""
    if one.task is PredictionTask.REPEAT:
        return "net", one.subject
    metric, _, currency = one.subject.partition(":")
    return metric, currency


def _list_totals(one: StoredPrediction) -> list[ExpectedTotalOut]:
    totals = one.result.get("totals", {})
    if one.task is PredictionTask.REPEAT and "total" in one.result:
        totals = {VALUE_DAYS: one.result["total"]}
    found = sorted((int(days), values) for days, values in totals.items())
    return [
        ExpectedTotalOut(days=days, value=value, low=low, high=high)
        for days, (value, low, high) in found
    ]


def _list_days(one: StoredPrediction) -> list[ExpectedDayOut]:
    last = one.card.last_day
    if last is None:
        return []
    return [
        ExpectedDayOut(day=last + timedelta(days=place), value=value, low=low, high=high)
        for place, (value, low, high) in enumerate(one.result.get("points", ()), start=1)
    ]


def _list_figures(one: StoredPrediction) -> dict[str, float]:
    if one.task is PredictionTask.FORECAST:
        return {}
    return {
        name: float(value)
        for name, value in one.result.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def forecast_routes(tenant: OpenScope) -> APIRouter:
    """Create the route `/analytics/forecasts`."""
    routes = APIRouter(prefix=PREFIX, tags=["analytics"])

    @routes.get("/forecasts", response_model=ForecastsOut)
    def list_forecasts(
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))],
        which: Annotated[ForecastsQuery, Query()],
    ) -> ForecastsOut:
        """List the predictions of a task with their quality. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> list[ForecastOut]:
            ids = sight.creators if which.creator is None else [which.creator]
            mine = [sight.get_creator(one).id for one in ids]
            found = storage.load_predictions(scope, mine, PredictionTask(which.task))
            return [ForecastOut.of(one) for one in found]

        items, following = cut_page("forecasts", which, call.read(ask))
        return ForecastsOut(items=items, next=following)

    return routes
