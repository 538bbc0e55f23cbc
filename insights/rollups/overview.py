"""All creators beside each other over a period, compared with an earlier one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from foundation.db.database import Scope
from foundation.money import Money
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import (
    DaySales,
    DayWork,
    add_sales,
    daily_sales_by_creator,
    daily_work_by_creator,
    no_sales,
)
from subscribers.orders import sales
from subscribers.orders.sales import BuyerCounts
from tenants.agencies.queries import Creator


@dataclass(frozen=True)
class SalesComparison:
    """Sales in one currency. Net is gross minus refunds; the platforms' fees are not deducted.

    `days` are the net amounts of each day in minor units, oldest first; `days_before` those of the
    earlier period.
    """

    gross: Money
    refunds: Money
    fees: Money
    net: Money
    net_before: Money
    orders: int
    orders_before: int
    days: tuple[int, ...]
    days_before: tuple[int, ...]

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return self.net.currency


@dataclass(frozen=True)
class CreatorOverview:
    """A creator's period. `sales` has one item for each currency, empty without sales. Posts and
    views are those of the days that were counted."""

    creator: Creator
    sales: tuple[SalesComparison, ...]
    buyers: BuyerCounts
    posts: int
    posts_before: int
    views: int
    views_before: int


def load_overview(
    scope: Scope, creators: Sequence[Creator], period: AnalyticsPeriod
) -> list[CreatorOverview]:
    """Return the creators' overviews of a period, in the time zone of each. Without a comparison,
    the values of the earlier period are zero.

    Raises BadInput for an invalid period.
    """
    sales.check_period(period.first, period.last)
    days = period.days
    before = period.before.days if period.before else []
    ids = [one.id for one in creators]
    money = _sales_of_days(scope, ids, days, before)
    work = _work_of_days(scope, ids, days, before)
    buyers = sales.count_buyers(scope, creators, period.first, period.last)
    return [
        CreatorOverview(
            creator=one,
            sales=_compare_sales(money[one.id], days, before),
            buyers=buyers.get(one.id, BuyerCounts()),
            posts=sum(work.published for work in _pick(work[one.id], days)),
            posts_before=sum(work.published for work in _pick(work[one.id], before)),
            views=sum(work.views for work in _pick(work[one.id], days)),
            views_before=sum(work.views for work in _pick(work[one.id], before)),
        )
        for one in creators
    ]


def _sales_of_days(
    scope: Scope, ids: Sequence[UUID], days: Sequence[date], before: Sequence[date]
) -> dict[UUID, dict[date, list[DaySales]]]:
    """Return the sales of both periods. The days between them are not read."""
    found = daily_sales_by_creator(scope, ids, days[0], days[-1])
    if before:
        for creator, rows in daily_sales_by_creator(scope, ids, before[0], before[-1]).items():
            found[creator] |= rows
    return found


def _work_of_days(
    scope: Scope, ids: Sequence[UUID], days: Sequence[date], before: Sequence[date]
) -> dict[UUID, dict[date, DayWork]]:
    found = daily_work_by_creator(scope, ids, days[0], days[-1])
    if before:
        for creator, rows in daily_work_by_creator(scope, ids, before[0], before[-1]).items():
            found[creator] |= rows
    return found


def _pick(work: Mapping[date, DayWork], days: Iterable[date]) -> list[DayWork]:
    return [work[day] for day in days if day in work]


def _compare_sales(
    found: Mapping[date, Collection[DaySales]], days: Sequence[date], before: Sequence[date]
) -> tuple[SalesComparison, ...]:
    currencies = sorted({row.net.currency for rows in found.values() for row in rows})
    return tuple(_compare_currency(found, days, before, currency) for currency in currencies)


def _compare_currency(
    found: Mapping[date, Collection[DaySales]],
    days: Sequence[date],
    before: Sequence[date],
    currency: str,
) -> SalesComparison:
    by_day = {
        day: row for day, rows in found.items() for row in rows if row.net.currency == currency
    }
    none = no_sales(currency)
    inside = [by_day.get(day, none) for day in days]
    earlier = [by_day.get(day, none) for day in before]
    now = add_sales((none, *inside))[currency]
    then = add_sales((none, *earlier))[currency]
    return SalesComparison(
        gross=now.gross,
        refunds=now.refunds,
        fees=now.fees,
        net=now.net,
        net_before=then.net,
        orders=now.orders,
        orders_before=then.orders,
        days=tuple(one.net.minor for one in inside),
        days_before=tuple(one.net.minor for one in earlier),
    )


def total_by_currency(found: Iterable[CreatorOverview]) -> list[SalesComparison]:
    """Return the sums of all creators, one item for each currency."""
    sums: dict[str, SalesComparison] = {}
    for one in (each for overview in found for each in overview.sales):
        so_far = sums.get(one.currency)
        sums[one.currency] = one if so_far is None else _add_comparisons(so_far, one)
    return [sums[currency] for currency in sorted(sums)]


def _add_comparisons(one: SalesComparison, other: SalesComparison) -> SalesComparison:
    return SalesComparison(
        gross=one.gross + other.gross,
        refunds=one.refunds + other.refunds,
        fees=one.fees + other.fees,
        net=one.net + other.net,
        net_before=one.net_before + other.net_before,
        orders=one.orders + other.orders,
        orders_before=one.orders_before + other.orders_before,
        days=_add_days(one.days, other.days),
        days_before=_add_days(one.days_before, other.days_before),
    )


def _add_days(some: Sequence[int], others: Sequence[int]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(some, others, strict=True))


FILE_COLUMNS = (
    *("first_day", "last_day", "creator", "currency", "gross", "refunds", "net", "net_before"),
    *("fees", "orders", "orders_before", "new_buyers", "returning_buyers"),
    *("posts", "posts_before", "views", "views_before"),
)


OverviewCell = str | int | date | Money | None


def list_overview_rows(
    found: Sequence[CreatorOverview], period: AnalyticsPeriod
) -> list[tuple[OverviewCell, ...]]:
    """Return the rows of a file with `FILE_COLUMNS`: one for each creator and currency.

    Buyers, posts and views are those of the creator and appear in their first row only, so that a
    column can be summed.
    """
    table: list[tuple[OverviewCell, ...]] = []
    for one in found:
        about = (period.first, period.last, one.creator.name)
        once: tuple[OverviewCell, ...] = (
            *(one.buyers.new, one.buyers.returning),
            *(one.posts, one.posts_before, one.views, one.views_before),
        )
        for each in one.sales:
            amounts = (each.gross, each.refunds, each.net, each.net_before, each.fees)
            orders = (each.orders, each.orders_before)
            table.append((*about, each.currency, *amounts, *orders, *once))
            once = (None,) * len(once)
        if not one.sales:
            table.append((*about, *(None,) * 8, *once))
    return table
