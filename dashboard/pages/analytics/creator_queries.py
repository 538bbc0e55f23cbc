"""Metrics of one creator over a period: sales by day and currency, activity by day, and posts with
their metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from channels.accounts.queries import Channel, list_creator_channels
from channels.limits import request_costs
from channels.links import short_links
from foundation.db.database import Scope
from foundation.money import Money, percent_change
from foundation.ops.wall_time import day_bounds
from insights.metrics import followers
from insights.metrics.queries import latest_metrics
from insights.reports import daily_report
from insights.reports.daily_report import DailyReport
from insights.rollups import label_totals, queries
from insights.rollups.label_totals import LabelTotals
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import DaySales, DayWork
from schedules.posts import post_costs
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.post_costs import MonthCost
from schedules.posts.queries import DeliveryEntry, entries_between
from schedules.posts.states import DeliveryState
from studio.costs import spending_caps
from tenants.agencies.queries import Creator

MAX_POSTS = 20


@dataclass(frozen=True)
class CurrencyTotals:
    """Totals of the period in one currency. `before` is the net amount of the earlier period, or
    None if it had no sales."""

    gross: Money
    refunds: Money
    net: Money
    orders: int
    before: Money | None
    days: tuple[int, ...]
    """Net amounts of each day in minor units, oldest first."""
    days_before: tuple[int, ...]
    """Net amounts of each day of the earlier period; empty without a comparison."""

    @property
    def percent_change(self) -> int | None:
        """Change of the net amount from the earlier period in per cent. None if that period had
        no positive net amount."""
        return percent_change(self.net, self.before) if self.before is not None else None


@dataclass(frozen=True)
class PostMetrics:
    """A published post with the latest value of each metric. Metrics that were not read
    are absent."""

    entry: DeliveryEntry
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class FollowerSeries:
    """The follower count of an account for each day of the period, oldest first. None if no count
    was read on that day."""

    account: str
    platform: str
    days: tuple[int | None, ...]

    @property
    def known_counts(self) -> tuple[int, ...]:
        """The counts that were read, oldest first. Never empty."""
        return tuple(one for one in self.days if one is not None)

    @property
    def latest_count(self) -> int:
        """The most recent count."""
        return self.known_counts[-1]

    @property
    def count_change(self) -> int | None:
        """Change from the first to the last count of the period. None if there is only one
        count."""
        return self.known_counts[-1] - self.known_counts[0] if len(self.known_counts) > 1 else None


@dataclass(frozen=True)
class CreatorDetail:
    """A creator in a period. `days` are the days of the period, oldest first."""

    creator: Creator
    days: Sequence[date]
    purses: Sequence[CurrencyTotals]
    work: Mapping[date, DayWork]
    sales: Mapping[date, Sequence[DaySales]]
    posts: Sequence[PostMetrics]
    labels: Sequence[LabelTotals]
    crowds: Sequence[FollowerSeries]
    spent: MonthCost
    """Content costs of the current month in the agency's time zone."""
    requests: Sequence[tuple[Channel, request_costs.AccountBill]]
    """API costs of the current month for each account."""
    now: datetime

    @property
    def counted_days(self) -> int:
        """Number of days of the period that have been counted."""
        return len(self.work)

    def sum_metric(self, name: str) -> int:
        """Return the sum of a metric over the counted days of the period."""
        return sum(int(getattr(one, name)) for one in self.work.values())


def load_creator_detail(scope: Scope, creator: Creator, period: AnalyticsPeriod) -> CreatorDetail:
    """Return the metrics of a creator for a period, in the creator's time zone."""
    days, last = period.days, period.last
    sales = queries.daily_sales(scope, creator.id, days[0], last)
    past = period.before
    before = queries.daily_sales(scope, creator.id, past.first, past.last) if past else {}
    start = day_bounds(days[0], creator.zone)[0]
    end = day_bounds(last, creator.zone)[1]
    entries = entries_between(scope, creator.id, start, end)
    out = [entry for entry in entries if entry.state is DeliveryState.PUBLISHED]
    numbers = latest_metrics(scope, [entry.delivery_id for entry in out])
    return CreatorDetail(
        creator=creator,
        days=days,
        purses=[
            total_currency(sales, before, period, currency)
            for currency in _list_currencies(sales, before)
        ],
        work=queries.daily_work(scope, creator.id, days[0], last),
        sales=sales,
        posts=_list_post_metrics(scope, out, numbers),
        labels=label_totals.sum_by_label(scope, out, numbers),
        crowds=_list_follower_series(scope, creator.id, days),
        spent=post_costs.load_month_cost(scope, creator.id, spending_caps.current_month(scope)),
        requests=request_costs.creator_bills(scope, creator.id),
        now=scope.now,
    )


def _list_follower_series(
    scope: Scope, creator_id: UUID, days: Sequence[date]
) -> list[FollowerSeries]:
    """Return the accounts with at least one follower count in the period, most followed first."""
    found = followers.followers_by_day(scope, creator_id, days[0], days[-1])
    accounts = {one.id: one for one in list_creator_channels(scope, creator_id)} if found else {}
    crowds = [
        FollowerSeries(
            accounts[channel].name, accounts[channel].platform, tuple(told.get(day) for day in days)
        )
        for channel, told in found.items()
    ]
    return sorted(crowds, key=lambda one: one.latest_count, reverse=True)


def load_report_view(scope: Scope, creator: Creator, day: date) -> DailyReport:
    """Return the current daily report of a creator."""
    return daily_report.load_daily_report(scope, creator.id, day)


def _list_currencies(*periods: Mapping[date, Sequence[DaySales]]) -> list[str]:
    return sorted({row.net.currency for one in periods for rows in one.values() for row in rows})


def total_currency(
    sales: Mapping[date, Sequence[DaySales]],
    before: Mapping[date, Sequence[DaySales]],
    period: AnalyticsPeriod,
    currency: str,
) -> CurrencyTotals:
    """Return the totals of one currency in a period and the one before. Pure."""
    inside = _list_rows(sales, currency)
    earlier = _list_rows(before, currency)
    return CurrencyTotals(
        gross=Money(sum(row.gross.minor for row in inside), currency),
        refunds=Money(sum(row.refunds.minor for row in inside), currency),
        net=Money(sum(row.net.minor for row in inside), currency),
        orders=sum(row.orders for row in inside),
        before=Money(sum(row.net.minor for row in earlier), currency) if earlier else None,
        days=_net_of_days(sales, period.days, currency),
        days_before=_net_of_days(before, period.before.days if period.before else [], currency),
    )


def _list_rows(sales: Mapping[date, Sequence[DaySales]], currency: str) -> list[DaySales]:
    return [row for rows in sales.values() for row in rows if row.net.currency == currency]


def _net_of_days(
    sales: Mapping[date, Sequence[DaySales]], days: Sequence[date], currency: str
) -> tuple[int, ...]:
    return tuple(
        sum(row.net.minor for row in sales.get(day, ()) if row.net.currency == currency)
        for day in days
    )


def _list_post_metrics(
    scope: Scope, out: Sequence[DeliveryEntry], found: Mapping[UUID, Mapping[str, int]]
) -> list[PostMetrics]:
    """Return the period's published posts, most viewed first, then newest first."""
    clicked = short_links.clicks_of(scope, (delivery_subject(entry.delivery_id) for entry in out))
    ours = {one.id: {"short_clicks": said.people} for one, said in clicked.items()}
    posts = [
        PostMetrics(entry, {**found.get(entry.delivery_id, {}), **ours.get(entry.delivery_id, {})})
        for entry in out
    ]
    posts.sort(key=lambda one: (one.numbers.get("views", -1), one.entry.due_at), reverse=True)
    return posts[:MAX_POSTS]
