"""Sales of a period: sums, groups, hours, the way from a view to a purchase, and cohorts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Literal
from uuid import UUID

from channels.accounts.queries import list_channels
from channels.links import short_links
from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.rollups import metric_queries
from insights.rollups.periods import AnalyticsPeriod, DateRange
from subscribers.conversations import fan_activity
from subscribers.orders import cohorts, sales
from subscribers.orders.cohorts import CohortTable
from subscribers.orders.sales import (
    BuyerCounts,
    DayOfSales,
    PeriodSales,
    SaleFilter,
    SalesSummary,
)
from subscribers.orders.sales_breakdowns import SalesBreakdown, SalesGroup, break_down_sales
from tenants.agencies.queries import Creator

FunnelStepName = Literal["seen", "clicked", "chatted", "bought"]


@dataclass(frozen=True)
class FunnelStep:
    """A step with the number of views, clicks or fans, or None if it is not measured. `rate` is its
    share of the last measured step before, or None."""

    name: FunnelStepName
    count: int | None
    rate: Fraction | None


@dataclass(frozen=True)
class SalesAnalysis:
    """The sales of some creators in a period. `before` are the days of the earlier period with
    sales by currency, or None without a comparison."""

    period: AnalyticsPeriod
    currencies: Sequence[PeriodSales]
    before: Mapping[str, Mapping[date, DayOfSales]] | None
    buyers: BuyerCounts
    breakdown: SalesBreakdown
    funnel: Sequence[FunnelStep]
    cohorts: CohortTable

    def total(self, currency: str) -> SalesGroup | None:
        """Return the sums of the period in a currency with its average amounts, or None."""
        return self.breakdown.totals.get(currency)

    def net_before(self, currency: str) -> Money | None:
        """Return the net amount of the earlier period, or None without a comparison."""
        if self.before is None:
            return None
        days = self.before.get(currency, {}).values()
        return Money(sum(one.gross_minor - one.refunds_minor for one in days), currency)


def load_sales_analysis(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> SalesAnalysis:
    """Return the sales of a period, each day in the time zone of its creator.

    Raises BadInput for an invalid period. There must be at least one creator.
    """
    asked = SaleFilter(tuple(creators), period.first, period.last)
    summary = sales.sum_sales(scope, asked)
    by_creator = sales.count_buyers(scope, creators, period.first, period.last)
    buyers = BuyerCounts(
        sum(one.new for one in by_creator.values()),
        sum(one.returning for one in by_creator.values()),
    )
    today = max(local_day(scope.now, one.zone) for one in creators)
    return SalesAnalysis(
        period=period,
        currencies=[one for one in summary.currencies if _has_sales(one)],
        before=_load_before(scope, asked, summary, period.before),
        buyers=buyers,
        breakdown=break_down_sales(scope, asked),
        funnel=load_funnel(scope, creators, period, bought=buyers.new + buyers.returning),
        cohorts=cohorts.load_cohorts(scope, creators, today),
    )


def _has_sales(one: PeriodSales) -> bool:
    """Return True if the currency has entries in the period, even if they sum to zero."""
    return bool(one.days)


def _load_before(
    scope: Scope, asked: SaleFilter, summary: SalesSummary, before: DateRange | None
) -> Mapping[str, Mapping[date, DayOfSales]] | None:
    """Return the days of the earlier period. The sums already contain the preceding one."""
    if before is None:
        return None
    if (before.first, before.last) == asked.previous:
        return {one.currency: one.days_before for one in summary.currencies if one.days_before}
    return sales.load_sales_days(scope, replace(asked, first=before.first, last=before.last))


def load_funnel(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod, *, bought: int
) -> list[FunnelStep]:
    """Return the steps from a view to a purchase. The steps are counted apart: a buyer of the
    period may have seen the post before it."""
    ids = {one.id for one in creators}
    chatting = fan_activity.count_writing_fans(scope, creators, period.first, period.last)
    counts: Mapping[FunnelStepName, int | None] = {
        "seen": _count_views(scope, ids, period.first, period.last),
        "clicked": _count_clicks(scope, ids, period.first, period.last),
        "chatted": sum(chatting.values()),
        "bought": bought,
    }
    steps: list[FunnelStep] = []
    before: int | None = None
    for name, count in counts.items():
        steps.append(FunnelStep(name, count, Fraction(count, before) if count and before else None))
        before = before if count is None else count
    return steps


def _count_views(scope: Scope, ids: Collection[UUID], first: date, last: date) -> int | None:
    """Return the views of posts in the period, or None if no platform reported any."""
    found = metric_queries.load_channel_days(scope, ids, ["views"], first, last)
    return sum(one.value for one in found) if found else None


def _count_clicks(scope: Scope, ids: Collection[UUID], first: date, last: date) -> int | None:
    """Return the clicks of people on short links, or None without short links."""
    channels = [one.id for one in list_channels(scope) if one.creator_id in ids]
    found = short_links.clicks_of_channels(scope, channels, first, last)
    return sum(found.values()) if found else None
