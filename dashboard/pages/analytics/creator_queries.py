"""Metrics of one creator over a period: sales by day and currency, activity by day, and costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from channels.accounts.queries import Channel
from channels.limits import request_costs
from foundation.db.database import Scope
from foundation.money import Money, percent_change
from insights.reports import daily_report
from insights.reports.daily_report import DailyReport
from insights.rollups import queries
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import DaySales, DayWork, add_sales, no_sales
from schedules.posts import post_costs
from schedules.posts.post_costs import MonthCost
from studio.costs import spending_caps
from tenants.agencies.queries import Creator


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
class CreatorDetail:
    """A creator in a period. `days` are the days of the period, oldest first."""

    creator: Creator
    days: Sequence[date]
    purses: Sequence[CurrencyTotals]
    work: Mapping[date, DayWork]
    sales: Mapping[date, Sequence[DaySales]]
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
    days = period.days
    last = period.last
    sales = queries.daily_sales(scope, creator.id, days[0], last)
    past = period.before
    before = queries.daily_sales(scope, creator.id, past.first, past.last) if past else {}
    return CreatorDetail(
        creator=creator,
        days=days,
        purses=[
            total_currency(sales, before, period, currency)
            for currency in _list_currencies(sales, before)
        ],
        work=queries.daily_work(scope, creator.id, days[0], last),
        sales=sales,
        spent=post_costs.load_month_cost(scope, creator.id, spending_caps.current_month(scope)),
        requests=request_costs.creator_bills(scope, creator.id),
        now=scope.now,
    )


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
    inside = _add_currency(sales, currency) or no_sales(currency)
    earlier = _add_currency(before, currency)
    return CurrencyTotals(
        gross=inside.gross,
        refunds=inside.refunds,
        net=inside.net,
        orders=inside.orders,
        before=earlier.net if earlier is not None else None,
        days=_net_of_days(sales, period.days, currency),
        days_before=_net_of_days(before, period.before.days if period.before else [], currency),
    )


def _add_currency(sales: Mapping[date, Sequence[DaySales]], currency: str) -> DaySales | None:
    return add_sales(row for rows in sales.values() for row in rows).get(currency)


def _net_of_days(
    sales: Mapping[date, Sequence[DaySales]], days: Sequence[date], currency: str
) -> tuple[int, ...]:
    return tuple(
        sum(row.net.minor for row in sales.get(day, ()) if row.net.currency == currency)
        for day in days
    )
