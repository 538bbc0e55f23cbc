"""Forecasts of sales, new fans, views and followers of each creator.

A day without sales is zero. A day without a follower count is unknown. The method is selected
weekly and fitted every night; both happen in a child process.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.metrics.followers import followers_by_day
from insights.predictions import storage
from insights.predictions.child_process import run_in_child
from insights.predictions.evidence import NotEnoughData, require_evidence
from insights.predictions.limits import MAX_DAYS, MIN_DAYS
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import ModelCard, StoredPrediction
from insights.rollups.queries import daily_sales, daily_work
from tenants.agencies.queries import Creator

VERSION = 1
SELECTED_FOR = timedelta(days=7)
BATCH = 100
"""Number of series in one child process."""

BASELINE = "seasonal_naive"
SPLIT = "rolling_origin"
NET = "net"
WORK_METRICS = ("views", "new_fans")
FOLLOWERS = "followers"


@dataclass(frozen=True)
class Series:
    """A daily series of a creator. `subject` is a metric of the catalogue, for money with its
    currency (`net:EUR`, in minor units). None is an unknown day."""

    creator_id: UUID
    subject: str
    first: date
    values: tuple[float | None, ...]

    @property
    def last(self) -> date:
        """Return the last day."""
        return self.first + timedelta(days=len(self.values) - 1)

    @property
    def kind(self) -> str:
        """Return `level` for counts at the end of a day, `flow` for changes of a day."""
        return "level" if self.subject == FOLLOWERS else "flow"


def collect_series(scope: Scope, creator: Creator) -> list[Series]:
    """Return the series of a creator until yesterday in the creator's time zone."""
    last = local_day(scope.now, creator.zone) - timedelta(days=1)
    first = last - timedelta(days=MAX_DAYS - 1)
    return [
        *_sales_series(scope, creator, first, last),
        *_work_series(scope, creator, first, last),
        *_follower_series(scope, creator, first, last),
    ]


def _sales_series(scope: Scope, creator: Creator, first: date, last: date) -> Iterator[Series]:
    days = daily_sales(scope, creator.id, first, last)
    currencies = sorted({sales.gross.currency for each in days.values() for sales in each})
    for currency in currencies:
        net = {
            day: sales.net.minor
            for day, each in days.items()
            for sales in each
            if sales.gross.currency == currency
        }
        begins = min(net)
        yield Series(
            creator.id,
            f"{NET}:{currency}",
            begins,
            tuple(float(net.get(day, 0)) for day in _days(begins, last)),
        )


def _work_series(scope: Scope, creator: Creator, first: date, last: date) -> Iterator[Series]:
    work = daily_work(scope, creator.id, first, last)
    for metric in WORK_METRICS:
        counts = {day: getattr(each, metric) for day, each in work.items()}
        begins = min((day for day, count in counts.items() if count), default=None)
        if begins is not None:
            values = [counts.get(day) for day in _days(begins, last)]
            yield Series(
                creator.id,
                metric,
                begins,
                tuple(None if value is None else float(value) for value in values),
            )


def _follower_series(scope: Scope, creator: Creator, first: date, last: date) -> Iterator[Series]:
    """Yield the sum of all accounts from the day on which each has a count; a missing count of an
    account makes the day unknown."""
    channels = followers_by_day(scope, creator.id, first, last)
    if not channels:
        return
    begins = max(min(counts) for counts in channels.values())
    values: list[float | None] = []
    for day in _days(begins, last):
        known = [counts[day] for counts in channels.values() if day in counts]
        values.append(float(sum(known)) if len(known) == len(channels) else None)
    if any(value is not None for value in values):
        yield Series(creator.id, FOLLOWERS, begins, tuple(values))


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def lacking_data(series: Series) -> NotEnoughData | None:
    """Return what a series lacks for a forecast, or None."""
    have = sum(value is not None for value in series.values)
    today = series.last + timedelta(days=1)
    return require_evidence(have, MIN_DAYS, "days", since=series.first, today=today)


def compute_forecasts(
    series: Sequence[Series],
    stored: dict[tuple[UUID, str], StoredPrediction],
    *,
    home: Path,
    now: datetime,
) -> list[StoredPrediction]:
    """Return the forecasts of all series, made in child processes. Raises Unavailable.

    `stored` are the present forecasts: a method selected less than a week ago is only fitted again.
    """
    ready = [one for one in series if lacking_data(one) is None]
    found = [_waiting(one, now) for one in series if lacking_data(one) is not None]
    for first in range(0, len(ready), BATCH):
        batch = ready[first : first + BATCH]
        before = [stored.get((one.creator_id, one.subject)) for one in batch]
        jobs = [_job(one, old, now) for one, old in zip(batch, before, strict=True)]
        results = run_in_child(
            "insights.predictions.methods.forecast:forecast_all",
            {"series": jobs},
            home=home,
            needs_packages=False,
        )
        for one, old, result in zip(batch, before, results, strict=True):
            found.append(_prediction(one, result, old if _is_selected(old, now) else None, now))
    return found


def _is_selected(old: StoredPrediction | None, now: datetime) -> bool:
    return (
        old is not None
        and old.card.version == VERSION
        and "method" in old.parameters
        and old.selected_at is not None
        and now - old.selected_at < SELECTED_FOR
    )


def _job(one: Series, old: StoredPrediction | None, now: datetime) -> dict[str, Any]:
    selection = old.parameters if old is not None and _is_selected(old, now) else None
    return {
        "key": one.subject,
        "values": list(one.values),
        "kind": one.kind,
        "selection": selection,
    }


def _prediction(
    one: Series, result: dict[str, Any], old: StoredPrediction | None, now: datetime
) -> StoredPrediction:
    selection = result["selection"]
    is_baseline = selection["method"] == BASELINE
    card = ModelCard(
        method=selection["method"],
        baseline=BASELINE,
        own_error=selection["own_error"],
        baseline_error=selection["baseline_error"],
        error_unit="mase",
        coverage=selection["coverage"],
        first_day=one.first,
        last_day=one.last,
        split=SPLIT,
        samples=selection["origins"],
        version=VERSION,
    )
    return StoredPrediction(
        creator_id=one.creator_id,
        task=PredictionTask.FORECAST,
        subject=one.subject,
        state=PredictionState.BASELINE if is_baseline else PredictionState.SERVED,
        card=card,
        lacking=None,
        parameters=selection,
        result={
            "points": result["points"],
            "totals": result["totals"],
            "past": list(one.values[-storage.SHOWN_DAYS :]),
            "days": len(one.values),
        },
        selected_at=old.selected_at if old is not None else now,
        computed_at=now,
    )


def _waiting(one: Series, now: datetime) -> StoredPrediction:
    return storage.waiting_prediction(
        one.creator_id, PredictionTask.FORECAST, one.subject, lacking_data(one), now
    )
