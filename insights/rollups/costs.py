"""Costs and profit of creators by month: what engines, platform requests, chatters, advertising and
other things cost, next to net sales.

Sales and entered costs are counted in the months of the creator's time zone, engines and requests
in those of the agency's. Amounts of different currencies are never added, so a cost in a currency
without sales is a row of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

from channels.limits import request_costs
from foundation.db.database import Scope
from foundation.money import Money, round_up
from insights.rollups.queries import DaySales, daily_sales_by_creator
from studio.costs import cost_report
from subscribers.ledger import cost_entries
from subscribers.ledger.cost_entries import CostEntryView, CostKind
from subscribers.orders.cohorts import add_months
from tenants.agencies.queries import Creator

_SALES = ("gross", "refunds", "fees", "chatters")


@dataclass(frozen=True)
class ProfitMonth:
    """The sales and costs of a creator in a month and currency.

    Net is gross minus refunds. `costs` has every kind; chatter pay is the commission that
    the ledger books plus what was entered. Exact engine and request costs are rounded up once.
    """

    creator: Creator
    first_day: date
    gross: Money
    refunds: Money
    fees: Money
    costs: Mapping[CostKind, Money]

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return self.gross.currency

    @property
    def net(self) -> Money:
        """Return gross minus refunds."""
        return self.gross - self.refunds

    @property
    def cost(self) -> Money:
        """Return the sum of all costs."""
        return Money(sum(one.minor for one in self.costs.values()), self.currency)

    @property
    def profit(self) -> Money:
        """Return the net sales minus the platforms' fees and all costs."""
        return self.net - self.fees - self.cost

    @property
    def roi(self) -> Fraction | None:
        """Return the profit by unit of cost, or None without costs."""
        return Fraction(self.profit.minor, self.cost.minor) if self.cost.minor > 0 else None


@dataclass(frozen=True)
class CostAnalysis:
    """The months of some creators, latest first, and the costs that were entered, with the voided
    ones. `first` and `last` are the days of these whole months."""

    creators: Sequence[Creator]
    first: date
    last: date
    months: Sequence[ProfitMonth]
    entries: Sequence[CostEntryView]


def load_costs(scope: Scope, creators: Sequence[Creator], first: date, last: date) -> CostAnalysis:
    """Return the sales and costs of the whole months from that of `first` to that of `last`. Months
    without sales and costs are absent."""
    start = first.replace(day=1)
    end = add_months(last, 1) - timedelta(days=1)
    ids = [one.id for one in creators]
    entries = cost_entries.list_cost_entries(scope, ids, start, end)
    sums = _sum_sales(daily_sales_by_creator(scope, ids, start, end))
    exact = {
        CostKind.ENGINES: cost_report.spending_by_month,
        CostKind.API: request_costs.costs_by_month,
    }
    for kind, load in exact.items():
        for (creator, month), spent in load(scope, ids, f"{start:%Y-%m}", f"{end:%Y-%m}").items():
            day = date.fromisoformat(f"{month}-01")
            for currency, minor in spent.items():
                _add(sums, (creator, day, currency), kind, minor)
    for entry in entries:
        if entry.voided_at is None:
            key = entry.creator_id, entry.spent_on.replace(day=1), entry.money.currency
            _add(sums, key, entry.kind, Decimal(entry.money.minor))
    by_id = {one.id: one for one in creators}
    months = [
        _build_month(by_id[creator], day, currency, sums[creator, day, currency])
        for creator, day, currency in sums
        if any(sums[creator, day, currency].values())
    ]
    months.sort(key=lambda one: (one.creator.name.casefold(), one.currency))
    months.sort(key=lambda one: one.first_day, reverse=True)
    return CostAnalysis(creators, start, end, months, entries)


_Key = tuple[UUID, date, str]


def _add(sums: dict[_Key, dict[str, Decimal]], key: _Key, name: str, minor: Decimal | int) -> None:
    values = sums.setdefault(key, {})
    values[name] = values.get(name, Decimal(0)) + minor


def _sum_sales(
    found: Mapping[UUID, Mapping[date, Iterable[DaySales]]],
) -> dict[_Key, dict[str, Decimal]]:
    sums: dict[_Key, dict[str, Decimal]] = {}
    for creator, days in found.items():
        for day, rows in days.items():
            for row in rows:
                amounts = (row.gross, row.refunds, row.fees, row.staff)
                for name, money in zip(_SALES, amounts, strict=True):
                    key = creator, day.replace(day=1), money.currency
                    _add(sums, key, name, money.minor)
    return sums


def _build_month(
    creator: Creator, day: date, currency: str, values: Mapping[str, Decimal]
) -> ProfitMonth:
    gross, refunds, fees = (
        Money(int(values.get(name, 0)), currency) for name in ("gross", "refunds", "fees")
    )
    costs = {kind: round_up(values.get(kind, Decimal(0)), currency) for kind in CostKind}
    return ProfitMonth(creator, day, gross, refunds, fees, costs)


def total_by_currency(months: Iterable[ProfitMonth]) -> list[tuple[str, Money, Money, Money]]:
    """Return the currency, net sales, costs and profit of all months, by currency."""
    found: dict[str, tuple[Money, Money, Money]] = {}
    for one in months:
        none = Money(0, one.currency)
        net, cost, profit = found.get(one.currency, (none, none, none))
        found[one.currency] = net + one.net, cost + one.cost, profit + one.profit
    return [(currency, *amounts) for currency, amounts in sorted(found.items())]
