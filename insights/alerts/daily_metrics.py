"""Daily metrics of creators that alert rules can check, as complete series of local days."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.metrics.catalog import METRICS, Metric
from insights.rollups import metric_queries
from insights.rollups.creator_facts import COMMENT_SENTIMENTS
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
    "new_fans": lambda day: day.new_fans,
    "messages_in": lambda day: day.messages_in,
    "messages_out": lambda day: day.messages_out,
}
"""Metrics of the rollups of a creator's day."""

_ADDED_UNITS = ("count", "money")


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

    def tail(self, days: int) -> "DailySeries":
        """Return the last `days` days of the series, or all of a shorter one."""
        start = max(len(self.values) - days, 0)
        return replace(self, first=self.day_at(start), values=self.values[start:])


def is_alert_metric(code: str) -> bool:
    """Return True if a rule can check the metric: a number or amount that adds up over days."""
    found = METRICS.get(code)
    return found is not None and (code in _SALES or code in _WORK or _is_stored(found))


def has_currency(code: str) -> bool:
    """Return True if the metric is an amount of money."""
    return METRICS[code].unit == "money"


def list_alert_metrics() -> list[str]:
    """Return the codes of the metrics that a rule can check, in the order of the catalogue."""
    return [code for code in METRICS if is_alert_metric(code)]


def _is_stored(one: Metric) -> bool:
    return one.summable and not one.formula and one.unit in _ADDED_UNITS


def load_daily_series(
    scope: Scope, creators: Collection[Creator], metric: str, days: int
) -> list[DailySeries]:
    """Return the last `days` complete days of a metric, one series for each creator and currency.

    A series begins on the first day with a value; creators without one have no series. A day
    without sales or comments is zero after the first one; a day without a reported metric is
    unknown.
    """
    if not creators:
        return []
    yesterday = {one.id: local_day(scope.now, one.zone) - timedelta(days=1) for one in creators}
    first = min(yesterday.values()) - timedelta(days=days - 1)
    last = max(yesterday.values())
    found = _select_loader(metric)(scope, yesterday, metric, first, last)
    closed = metric in _SALES or metric in COMMENT_SENTIMENTS.values()
    return [
        _build_series(key, metric, values, yesterday[key[0]], days, closed=closed)
        for key, values in sorted(found.items())
        if any(day <= yesterday[key[0]] for day in values)
    ]


_Found = dict[tuple[UUID, str], dict[date, int]]


_Loader = Callable[[Scope, Collection[UUID], str, date, date], _Found]


def _select_loader(metric: str) -> _Loader:
    if metric in _SALES:
        return _load_sales
    if metric in _WORK:
        return _load_work
    return _load_facts if METRICS[metric].level == "creator" else _load_accounts


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


def _load_facts(
    scope: Scope, creators: Collection[UUID], metric: str, first: date, last: date
) -> _Found:
    sums: dict[tuple[UUID, str], dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for one in metric_queries.load_creator_facts(scope, creators, [metric], first, last):
        sums[one.creator_id, one.currency][one.day] += one.value
    # Costs have fractions of minor units.
    return {key: {day: round(value) for day, value in days.items()} for key, days in sums.items()}


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
    return DailySeries(
        key[0], metric, key[1], first, tuple(values.get(day, missing) for day in every)
    )


def _days_between(first: date, last: date) -> Sequence[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


RECENT_DAYS = 14


@dataclass(frozen=True)
class DataAge:
    """Times of a creator's newest data (UTC-aware), or None without data in the last
    `RECENT_DAYS`: values of platforms, and rollups of sales and work.

    `is_expected` is True if newer values of platforms should exist: a later reading returned none,
    or followers are counted, which happens several times a day.
    """

    readings: datetime | None = None
    rollups: datetime | None = None
    is_expected: bool = False

    def newest(self, metric: str) -> datetime | None:
        """Return the time of the newest data of a metric."""
        return self.rollups if _is_own(metric) else self.readings

    def is_stale(self, metric: str, now: datetime, limit: timedelta) -> bool:
        """Return True if the newest data of a metric is older than the limit, although newer data
        is expected."""
        at = self.newest(metric)
        expected = self.is_expected or _is_own(metric)
        return at is None or (expected and now - at > limit)


def _is_own(metric: str) -> bool:
    """Return True if the metric comes from our own rows, not from platforms."""
    return METRICS[metric].source not in ("platform", "calculated") or metric in _SALES


_AGES = """
SELECT of.id, v.at AS readings, f.at AS followers, t.at AS tried, d.at AS rollups
FROM unnest(CAST(:creators AS uuid[])) AS of (id)
LEFT JOIN LATERAL (SELECT m.observed_at AS at FROM metric_snapshots m
  WHERE m.tenant_id = :tenant AND m.creator_id = of.id AND m.observed_at >= :since
    AND m.value IS NOT NULL ORDER BY m.observed_at DESC LIMIT 1) v ON true
LEFT JOIN LATERAL (SELECT m.observed_at AS at FROM metric_snapshots m
  WHERE m.tenant_id = :tenant AND m.creator_id = of.id AND m.observed_at >= :since
  ORDER BY m.observed_at DESC LIMIT 1) t ON true
LEFT JOIN LATERAL (SELECT max(c.observed_at) AS at FROM followers_daily c
  WHERE c.tenant_id = :tenant AND c.creator_id = of.id AND c.day >= CAST(:since AS date)) f ON true
LEFT JOIN LATERAL (SELECT max(r.updated_at) AS at FROM creator_daily r
  WHERE r.tenant_id = :tenant AND r.creator_id = of.id AND r.day >= CAST(:since AS date)) d ON true
"""


def load_data_ages(scope: Scope, creators: Iterable[UUID]) -> dict[UUID, DataAge]:
    """Return the times of the newest data of each creator."""
    rows = scope.run(
        _AGES,
        tenant=scope.tenant_id,
        since=scope.now - timedelta(days=RECENT_DAYS),
        creators=list(creators),
    )
    found = {}
    for row in rows:
        values = max(filter(None, (row.readings, row.followers)), default=None)
        failed = row.tried is not None and (values is None or row.tried > values)
        found[row.id] = DataAge(values, row.rollups, failed or row.followers is not None)
    return found
