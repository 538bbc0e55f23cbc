"""One creator's numbers over a period: money by day and currency, work by day, posts with what they
brought."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from channels.accounts.queries import Channel, list_creator_channels
from channels.limits import request_costs
from channels.links import short_links
from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import day_bounds, local_day
from insights.metrics import followers
from insights.metrics.queries import latest_metrics
from insights.reports import daily_report
from insights.reports.daily_report import DailyReport
from insights.rollups import label_totals, queries
from insights.rollups.label_totals import LabelTotals
from insights.rollups.queries import DaySales, DayWork
from schedules.posts import post_costs
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.post_costs import MonthCost
from schedules.posts.queries import DeliveryEntry, entries_between
from schedules.posts.states import DeliveryState
from studio.costs import spending_caps
from tenants.agencies.queries import Creator

PERIOD_DAYS = (1, 7, 28, 90)
"""Days a page shows."""

MAX_POSTS = 20


@dataclass(frozen=True)
class CurrencyTotals:
    """The period's money in one currency, against the period of the same length before (None where
    nothing was)."""

    gross: Money
    refunds: Money
    net: Money
    orders: int
    before: Money | None
    days: tuple[int, ...]
    """Net of each day, the oldest first."""

    @property
    def percent_change(self) -> int | None:
        """Per cent against the period before; None when there is nothing to compare with."""
        if self.before is None or self.before.minor <= 0:
            return None
        return round(Fraction(100 * (self.net.minor - self.before.minor), self.before.minor))


@dataclass(frozen=True)
class PostMetrics:
    """A post that stands outside, with the latest numbers that were read; absent ones were not
    had."""

    entry: DeliveryEntry
    numbers: Mapping[str, int]


@dataclass(frozen=True)
class FollowerSeries:
    """Who follows an account. `days` are the period's, the oldest first; None where nobody told."""

    account: str
    platform: str
    days: tuple[int | None, ...]

    @property
    def known_counts(self) -> tuple[int, ...]:
        """The numbers of the days on which somebody told, the oldest first; never empty."""
        return tuple(one for one in self.days if one is not None)

    @property
    def latest_count(self) -> int:
        """The newest number."""
        return self.known_counts[-1]

    @property
    def count_change(self) -> int | None:
        """How many more follow it than when the period's first number was told; None with one
        number alone."""
        return self.known_counts[-1] - self.known_counts[0] if len(self.known_counts) > 1 else None


@dataclass(frozen=True)
class AnalyticsView:
    """The page's values. `days` are the period's, the oldest first; `known` tells how many of them
    were counted."""

    creator: Creator
    days: Sequence[date]
    purses: Sequence[CurrencyTotals]
    work: Mapping[date, DayWork]
    sales: Mapping[date, Sequence[DaySales]]
    posts: Sequence[PostMetrics]
    labels: Sequence[LabelTotals]
    crowds: Sequence[FollowerSeries]
    spent: MonthCost
    """What was spent to make content this month, by the clocks of the agency's zone."""
    requests: Sequence[tuple[Channel, request_costs.AccountBill]]
    """What platforms asked this month for requests, by account."""
    now: datetime

    @property
    def counted_days(self) -> int:
        """Days of the period that were counted."""
        return len(self.work)

    def sum_metric(self, name: str) -> int:
        """A number of the days' work, added up."""
        return sum(int(getattr(one, name)) for one in self.work.values())


def load_analytics(scope: Scope, creator: Creator, length: int) -> AnalyticsView:
    """The last `length` local days of a creator, today in."""
    last = local_day(scope.now, creator.zone)
    days = [last - timedelta(days=back) for back in range(length - 1, -1, -1)]
    before = days[0] - timedelta(days=length)
    sales = queries.daily_sales(scope, creator.id, before, last)
    start = day_bounds(days[0], creator.zone)[0]
    end = day_bounds(last, creator.zone)[1]
    entries = entries_between(scope, creator.id, start, end)
    out = [entry for entry in entries if entry.state is DeliveryState.PUBLISHED]
    numbers = latest_metrics(scope, [entry.delivery_id for entry in out])
    return AnalyticsView(
        creator=creator,
        days=days,
        purses=[total_currency(sales, days, currency) for currency in _list_currencies(sales)],
        work=queries.daily_work(scope, creator.id, days[0], last),
        sales={day: rows for day, rows in sales.items() if day >= days[0]},
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
    """Those of whose followers somebody told in the period, the most followed first."""
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
    """A day's report as it stands, for reading or downloading."""
    return daily_report.load_daily_report(scope, creator.id, day)


def _list_currencies(sales: Mapping[date, Sequence[DaySales]]) -> list[str]:
    return sorted({row.net.currency for rows in sales.values() for row in rows})


def total_currency(
    sales: Mapping[date, Sequence[DaySales]], days: Sequence[date], currency: str
) -> CurrencyTotals:
    """One currency's money out of the sales by day, of twice the period; pure."""
    inside = [row for day in days for row in sales.get(day, ()) if row.net.currency == currency]
    earlier = [
        row
        for day, rows in sales.items()
        if day < days[0]
        for row in rows
        if row.net.currency == currency
    ]
    nets = [
        sum(row.net.minor for row in sales.get(day, ()) if row.net.currency == currency)
        for day in days
    ]
    return CurrencyTotals(
        gross=Money(sum(row.gross.minor for row in inside), currency),
        refunds=Money(sum(row.refunds.minor for row in inside), currency),
        net=Money(sum(nets), currency),
        orders=sum(row.orders for row in inside),
        before=Money(sum(row.net.minor for row in earlier), currency) if earlier else None,
        days=tuple(nets),
    )


def _list_post_metrics(
    scope: Scope, out: Sequence[DeliveryEntry], found: Mapping[UUID, Mapping[str, int]]
) -> list[PostMetrics]:
    """The period's posts that stand outside, those most seen first, then the newest."""
    clicked = short_links.clicks_of(scope, (delivery_subject(entry.delivery_id) for entry in out))
    ours = {one.id: {"short_clicks": said.people} for one, said in clicked.items()}
    posts = [
        PostMetrics(entry, {**found.get(entry.delivery_id, {}), **ours.get(entry.delivery_id, {})})
        for entry in out
    ]
    posts.sort(key=lambda one: (one.numbers.get("views", -1), one.entry.due_at), reverse=True)
    return posts[:MAX_POSTS]
