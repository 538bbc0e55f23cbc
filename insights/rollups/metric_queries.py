"""Queries of metrics by day, at equal age, and at present.

Values that were not reported are absent; pages show them as "n/a", never as zero.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Any
from uuid import UUID

from foundation.db.database import Scope
from foundation.ops.wall_time import day_bounds
from insights.metrics import followers
from insights.metrics.catalog import POST_COUNTERS, Metric
from insights.rollups.creator_facts import FACTS, POST_COUNTS
from schedules.posts import live_posts
from tenants.agencies.queries import get_creator


@dataclass(frozen=True)
class ChannelDayValue:
    """Metric of an account on a local day of its creator. `interpolated` values are shares of a
    longer interval between two readings."""

    creator_id: UUID
    channel_id: UUID
    day: date
    metric: str
    value: int
    interpolated: bool = False


@dataclass(frozen=True)
class CreatorDayValue:
    """Metric of a creator on a local day; `currency` is "" except for money.

    Money is in minor units, of costs with four decimals: round their sum once, with
    `money.round_up`.
    """

    creator_id: UUID
    day: date
    metric: str
    currency: str
    value: Decimal


_FOLLOWERS = "followers"
_DAYS = """
SELECT creator_id, channel_id, day, metric, value, interpolated FROM channel_days
WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))
  AND metric = ANY(CAST(:metrics AS text[])) AND day BETWEEN :first AND :last
"""


_FACTS = """
SELECT creator_id, day, metric, currency, value FROM creator_facts
WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))
  AND metric = ANY(CAST(:metrics AS text[])) AND day BETWEEN :first AND :last
"""

_SALES_COLUMNS = {
    "gross": "gross_minor",
    "refunds": "refunds_minor",
    "fees": "fees_minor",
    "orders": "orders",
    "cost_chatters": "staff_minor",
}
_WORK_COLUMNS = {
    "messages_in": "messages_in",
    "messages_out": "messages_out",
    "new_fans": "new_fans",
    "lateness_p95": "CAST(lateness_p95_ms AS numeric) / 1000",
}


SALES_SERIES = frozenset(("gross", "refunds", "fees", "orders"))
"""Metrics of the ledger that exist for each day."""

_CHANNEL_SERIES = frozenset((*POST_COUNTERS, *POST_COUNTS, _FOLLOWERS))


def has_series(metric: Metric) -> bool:
    """Return True if a metric is stored for each local day. Others, such as ratios and the costs
    that members enter by month, are calculated for a period."""
    return metric.code in _CHANNEL_SERIES | SALES_SERIES | _WORK_COLUMNS.keys() | FACTS


def _unpivot(table: str, columns: Mapping[str, str], currency: str) -> str:
    """Return a query with one row for each metric of a table that has one column for each."""
    values = ", ".join(
        f"('{metric}', CAST({value} AS numeric))" for metric, value in columns.items()
    )
    columns_read = f"creator_id, day, m.metric, {currency} AS currency, m.value"
    return (
        f"SELECT {columns_read} FROM {table}"  # noqa: S608  our own names
        f" CROSS JOIN LATERAL (VALUES {values}) AS m (metric, value)"
        " WHERE tenant_id = :tenant AND creator_id = ANY(CAST(:creators AS uuid[]))"
        " AND day BETWEEN :first AND :last AND m.value IS NOT NULL"
        " AND m.metric = ANY(CAST(:metrics AS text[]))"
    )


_SALES = _unpivot(
    "sales_daily", _SALES_COLUMNS, "CASE WHEN m.metric = 'orders' THEN '' ELSE currency END"
)
_WORK = _unpivot("creator_daily", _WORK_COLUMNS, "''")


def load_channel_days(
    scope: Scope, creator_ids: Collection[UUID], metrics: Collection[str], first: date, last: date
) -> list[ChannelDayValue]:
    """Return the metrics of the creators' accounts per local day from `first` to `last` inclusive,
    oldest first.

    Counters are the change of the day. `followers` is the last count of the day.
    """
    rows = scope.run(
        _DAYS,
        tenant=scope.tenant_id,
        creators=list(creator_ids),
        metrics=[metric for metric in metrics if metric != _FOLLOWERS],
        first=first,
        last=last,
    )
    values = [
        ChannelDayValue(
            row.creator_id, row.channel_id, row.day, row.metric, row.value, row.interpolated
        )
        for row in rows
    ]
    if _FOLLOWERS in metrics:
        values += [
            ChannelDayValue(
                one.creator_id, one.channel_id, one.day, _FOLLOWERS, one.followers, False
            )
            for one in followers.load_daily_counts(scope, creator_ids, first, last)
        ]
    return sorted(values, key=attrgetter("day", "creator_id", "channel_id", "metric"))


def load_creator_facts(
    scope: Scope, creator_ids: Collection[UUID], metrics: Collection[str], first: date, last: date
) -> list[CreatorDayValue]:
    """Return the creators' metrics that belong to no account per local day from `first` to `last`
    inclusive, oldest first: sales, costs, conversations, response times and generation.

    Metrics with a formula, such as `net`, are calculated from these with `catalog.calculate`.
    """
    about = {
        "tenant": scope.tenant_id,
        "creators": list(creator_ids),
        "metrics": list(metrics),
        "first": first,
        "last": last,
    }
    parts = [_FACTS]
    parts += [_SALES] if _SALES_COLUMNS.keys() & set(metrics) else []
    parts += [_WORK] if _WORK_COLUMNS.keys() & set(metrics) else []
    rows = scope.run(" UNION ALL ".join(parts) + " ORDER BY 2, 1, 3, 4", **about)
    return [
        CreatorDayValue(row.creator_id, row.day, row.metric, row.currency, Decimal(row.value))
        for row in rows
    ]


def load_post_values(
    scope: Scope,
    creator_ids: Collection[UUID],
    metrics: Collection[str],
    *,
    age_hours: int,
    first: date,
    last: date,
) -> dict[UUID, dict[str, int]]:
    """Return the metrics at an equal age of the posts that were due on a local day from `first` to
    `last` inclusive, by delivery.

    `age_hours` is one of `metrics.events.READING_AGES`. Posts without a reading at that age are
    absent.
    """
    found: list[UUID] = []
    for creator_id in creator_ids:
        zone = get_creator(scope, creator_id).zone
        start = day_bounds(first, zone)[0]
        end = day_bounds(last, zone)[1]
        found += live_posts.list_published_deliveries(scope, creator_id, start, end)
    values = load_post_values_of(scope, found, age_hours=age_hours)
    wanted = set(metrics)
    return {
        delivery: kept
        for delivery, told in values.items()
        if (kept := {metric: value for metric, value in told.items() if metric in wanted})
    }


def load_post_values_of(
    scope: Scope, delivery_ids: Collection[UUID], *, age_hours: int
) -> dict[UUID, dict[str, int]]:
    """Return the metrics of these posts at an equal age by delivery; posts without a reading at
    that age are absent."""
    rows = scope.run(
        "SELECT delivery_id, metric, value FROM metric_snapshots WHERE tenant_id = :tenant"
        " AND delivery_id = ANY(CAST(:ids AS uuid[])) AND age_hours = :age AND value IS NOT NULL",
        tenant=scope.tenant_id,
        ids=list(delivery_ids),
        age=age_hours,
    )
    return _by_delivery(rows)


def load_latest_values(scope: Scope, delivery_ids: Collection[UUID]) -> dict[UUID, dict[str, int]]:
    """Return the latest metrics of these posts by delivery; posts without a reading are absent."""
    rows = scope.run(
        "SELECT delivery_id, metric, value FROM post_latest WHERE tenant_id = :tenant"
        " AND delivery_id = ANY(CAST(:ids AS uuid[]))",
        tenant=scope.tenant_id,
        ids=list(delivery_ids),
    )
    return _by_delivery(rows)


def _by_delivery(rows: Iterable[Any]) -> dict[UUID, dict[str, int]]:
    found: dict[UUID, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.delivery_id, {})[row.metric] = row.value
    return found
