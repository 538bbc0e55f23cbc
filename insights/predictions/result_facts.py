"""Measured results and forecasts of a creator, for the suggestions that use and cite them."""

from collections.abc import Sequence
from dataclasses import replace

from foundation.db.database import Scope
from insights.analysis import post_lessons
from insights.predictions import storage
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import StoredPrediction
from schedules.suggestions.shared.results import ForecastResult, MeasuredResults
from tenants.agencies.queries import Creator

FORECAST_METRICS = ("views", "followers", "new_fans")
DAYS = 7
"""Days ahead of the cited forecasts: the week that is planned."""


def collect_results(scope: Scope, creator: Creator) -> MeasuredResults:
    """Return the lessons of a creator's posts, the best hours and next week's forecasts."""
    stored = storage.load_predictions(scope, [creator.id], PredictionTask.FORECAST)
    return replace(
        post_lessons.load_result_lessons(scope, creator),
        hours=post_lessons.list_best_hours(scope, creator),
        forecasts=select_forecasts(stored),
    )


def select_forecasts(stored: Sequence[StoredPrediction]) -> tuple[ForecastResult, ...]:
    """Return the forecasts that suggestions cite; pure."""
    made = {one.subject: one for one in stored if one.state is not PredictionState.WAITING}
    found = []
    for metric in FORECAST_METRICS:
        total = made[metric].result.get("totals", {}).get(str(DAYS)) if metric in made else None
        if total is not None:
            value, low, high = (round(each) for each in total)
            found.append(ForecastResult(metric, DAYS, value, low, high))
    return tuple(found)
