"""Daily metrics of creators that alert rules can check, as complete series of local days."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.metrics.catalog import METRICS, Metric
from insights.rollups import metric_queries
from insights.rollups.queries import (
    DaySales,
    DayWork,
    daily_sales_by_creator,
    daily_work_by_creator,
)
from tenants.agencies.queries import Creator

_SALES: Mapping[str, Callable[[DaySales], int]] = {
    "gross": lambda day: day.gross.minor,
    "net": lambda day: day.net.minor,
    "refunds": lambda day: day.refunds.minor,
    "fees": lambda day: day.fees_minor,
    "orders": lambda day: day.orders,
}
_WORK: Mapping[str, Callable[[DayWork], int]] = {
    "views": lambda day: day.views,
    "interactions": lambda day: day.interactions,
}
"""Metrics of the rollups of a creator's day. All others are those of the accounts, added up."""


@dataclass(frozen=True)
class DailySeries:
    """A metric of a creator on each local day from `first` to yesterday; unknown days are None.

    Amounts are in minor units of `currency`, which is "" for numbers.
    """

    creator_id: UUID
    metric: str
    currency: str
    first: date
    values: tuple[int | None, ...]

    @property
    def known(self) -> int:
        """Return the number of known days."""
        return sum(one is not None for one in self.values)

    def day_at(self, position: int) -> date:
        """Return the day at a position of `values`."""
        return self.first + timedelta(days=position)


def is_alert_metric(code: str) -> bool:
    """Return True if a rule can check the metric: a number or amount that adds up over days."""
    found = METRICS.get(code)
    return found is not None and (code in _SALES or code in _WORK or _is_of_accounts(found))


def has_currency(code: str) -> bool:
    """Return True if the metric is an amount of money."""
    return METRICS[code].unit == "money"


def list_alert_metrics() -> list[str]:
    """Return the codes of the metrics that a rule can check, in the order of the catalogue."""
    return [code for code in METRICS if is_alert_metric(code)]


def _is_of_accounts(one: Metric) -> bool:
    return (
        one.summable and not one.formula and one.unit == "count" and one.level in ("post", "channel")
    )


def load_daily_series(
    scope: Scope, creators: Collection[Creator], metric: str, days: int
) -> list[DailySeries]:
    """Return the last `days` complete days of a metric, one series for each creator and currency.

    A series begins on the first day with a value; creators without one have no series. A day
    without sales is zero after the first sale; a day without a reported metric is unknown.
    """
    if not creators:
        return []
    yesterday = {one.id: local_day(scope.now, one.zone) - timedelta(days=1) for one in creators}
    first = min(yesterday.values()) - timedelta(days=days - 1)
    last = max(yesterday.values())
    if metric in _SALES:
        found = _load_sales(scope, yesterday, metric, first, last)
    elif metric in _WORK:
        found = _load_work(scope, yesterday, metric, first, last)
    else:
        found = _load_accounts(scope, yesterday, metric, first, last)
    closed = metric in _SALES
    return [
        _build_series(key, metric, values, yesterday[key[0]], days, closed=closed)
        for key, values in sorted(found.items())
        if any(day <= yesterday[key[0]] for day in values)
    ]


_Found = dict[tuple[UUID, str], dict[date, int]]


def _load_sales(
    scope: Scope, creators: Collection[UUID], metric: str, first: date, last: date
) -> _Found:
    found: _Found = defaultdict(lambda: defaultdict(int))
    value = _SALES[metric]
    for creator_id, days in daily_sales_by_creator(scope, creators, first, last).items():
        for day, rows in days.items():
            for row in rows:
                currency = row.gross.currency if has_currency(metric) else ""
                found[creator_id, currency][day] += value(row)
    return found


def _load_work(
    scope: Scope, creators: Collection[UUID], metric: str, first: date, last: date
) -> _Found:
    value = _WORK[metric]
    work = daily_work_by_creator(scope, creators, first, last)
    return {
        (creator_id, ""): {day: value(one) for day, one in days.items()}
        for creator_id, days in work.items()
    }


def _load_accounts(
    scope: Scope, creators: Collection[UUID], metric: str, first: date, last: date
) -> _Found:
    found: _Found = defaultdict(lambda: defaultdict(int))
    for one in metric_queries.load_channel_days(scope, creators, [metric], first, last):
        found[one.creator_id, ""][one.day] += one.value
    return found


def _build_series(
    key: tuple[UUID, str],
    metric: str,
    values: Mapping[date, int],
    last: date,
    days: int,
    *,
    closed: bool,
) -> DailySeries:
    earliest = last - timedelta(days=days - 1)
    first = max(min(values), earliest)
    missing = 0 if closed else None
    every = _days_between(first, last)
    return DailySeries(key[0], metric, key[1], first, tuple(values.get(day, missing) for day in every))


def _days_between(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@dataclass(frozen=True)
class DataAge:
    """Times of a creator's newest data (UTC-aware), or None without data in the last
    `RECENT_DAYS`: readings of platforms, and rollups of sales and work."""

    readings: datetime | None = None
    rollups: datetime | None = None


RECENT_DAYS = 14

_READINGS = """
SELECT of.id, greatest(
  (SELECT m.observed_at FROM metric_snapshots m WHERE m.tenant_id = :tenant
   AND m.creator_id = of.id AND m.observed_at >= :since AND m.value IS NOT NULL
   ORDER BY m.observed_at DESC LIMIT 1),
  (SELECT max(f.observed_at) FROM followers_daily f WHERE f.tenant_id = :tenant
   AND f.creator_id = of.id AND f.day >= CAST(:since AS date))) AS readings,
  (SELECT max(d.updated_at) FROM creator_daily d WHERE d.tenant_id = :tenant
   AND d.creator_id = of.id AND d.day >= CAST(:since AS date)) AS rollups
FROM unnest(CAST(:creators AS uuid[])) AS of (id)
"""


def load_data_ages(scope: Scope, creators: Iterable[UUID]) -> dict[UUID, DataAge]:
    """Return the times of the newest data of each creator."""
    rows = scope.run(
        _READINGS,
        tenant=scope.tenant_id,
        since=scope.now - timedelta(days=RECENT_DAYS),
        creators=list(creators),
    )
    return {row.id: DataAge(row.readings, row.rollups) for row in rows}


def data_time(age: DataAge, metric: str) -> datetime | None:
    """Return the time of the newest data of a metric."""
    return age.rollups if metric in _SALES else age.readings
