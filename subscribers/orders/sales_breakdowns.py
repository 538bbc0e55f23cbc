"""Sales of a period by creator, item, channel and fan, and by weekday and hour.

The groups of one dimension add up to the sums of the table of sales, and therefore to the ledger.
Orders that were not paid are not part of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from foundation.db.database import Scope
from foundation.money import Money
from subscribers.orders import sales
from subscribers.orders.sales import SaleFilter

MAX_FANS = 100
"""Number of fans that are listed one by one for each currency; the others are one group."""

OTHER_FANS = "others"
"""Key of the group of all fans that are not listed."""


class SalesDimension(StrEnum):
    """A property by which sales are grouped."""

    CREATOR = "creator"
    ITEM = "item"
    CHANNEL = "channel"
    FAN = "fan"


@dataclass(frozen=True)
class SalesGroup:
    """Sums of a group in one currency; net is gross minus refunds, before the platforms' fees.

    `key` is the ID of a creator, pack, channel or fan; a platform of imported statements has its
    name, an item without a pack its title. It is empty where the sale names none. `buyers` counts
    known fans.
    """

    key: str
    name: str
    orders: int
    buyers: int
    gross: Money
    refunds: Money
    fees: Money

    @property
    def net(self) -> Money:
        """Return gross minus refunds."""
        return self.gross - self.refunds

    @property
    def after_fees(self) -> Money:
        """Return what is left of the net amount after the platforms' fees."""
        return self.net - self.fees

    @property
    def currency(self) -> str:
        """Return the currency of all amounts."""
        return self.gross.currency

    @property
    def per_order(self) -> Money | None:
        """Return the net amount of an average order, rounded, or None without orders."""
        return _divide(self.net, self.orders)

    @property
    def per_buyer(self) -> Money | None:
        """Return the net amount of an average known buyer, rounded, or None without one."""
        return _divide(self.net, self.buyers)


def _divide(money: Money, count: int) -> Money | None:
    return Money(round(Fraction(money.minor, count)), money.currency) if count else None


@dataclass(frozen=True)
class HourOfSales:
    """Sums of one hour of the week in one currency, in each creator's time zone. `weekday` is 0 for
    Monday; refunds count at their own time."""

    weekday: int
    hour: int
    orders: int
    net: Money


@dataclass(frozen=True)
class SalesBreakdown:
    """Groups by dimension, within a currency the highest net amount first and `OTHER_FANS` last,
    hours with sales, and the sums of all by currency."""

    groups: Mapping[SalesDimension, Sequence[SalesGroup]]
    hours: Sequence[HourOfSales]
    totals: Mapping[str, SalesGroup]


_BREAKDOWN = """,
  counted AS (
    SELECT *, CAST(state <> 'refund' AND state <> 'fee' AS integer) AS is_sale,
      CASE WHEN state = 'refund' THEN 0 ELSE gross END AS charged,
      CASE WHEN state = 'refund' THEN -gross ELSE 0 END AS refunded,
      at AT TIME ZONE zone AS local_at
    FROM found WHERE state NOT IN ('awaiting', 'lapsed')
  ),
  fan_ranks AS (
    SELECT fan_id, currency,
      row_number() OVER (PARTITION BY currency ORDER BY sum(gross) DESC, fan_id) AS place
    FROM counted WHERE fan_id IS NOT NULL GROUP BY fan_id, currency
  ),
  keyed AS (
    SELECT 'total' AS dimension, '' AS key, '' AS name, c.* FROM counted c
    UNION ALL
    SELECT 'creator', CAST(creator_id AS text), creator, c.* FROM counted c
    UNION ALL
    SELECT 'item', coalesce(CAST(pack_id AS text), title), title, c.* FROM counted c
    UNION ALL
    SELECT 'channel', coalesce(CAST(channel_id AS text), source), channel, c.* FROM counted c
    UNION ALL
    SELECT 'fan', CASE WHEN c.fan_id IS NULL THEN '' WHEN r.place <= :most
        THEN CAST(c.fan_id AS text) ELSE 'others' END,
      CASE WHEN r.place <= :most THEN c.fan ELSE '' END, c.*
    FROM counted c LEFT JOIN fan_ranks r ON r.fan_id = c.fan_id AND r.currency = c.currency
    UNION ALL
    SELECT 'hour', extract(isodow FROM local_at) - 1 || ':' || extract(hour FROM local_at), '', c.*
    FROM counted c
  )
SELECT dimension, key, (array_agg(name ORDER BY at DESC))[1] AS name, currency,
  sum(is_sale) AS orders, count(DISTINCT fan_id) FILTER (WHERE is_sale = 1) AS buyers,
  sum(charged) AS gross, sum(refunded) AS refunds, sum(fee) AS fees
FROM keyed GROUP BY dimension, key, currency
ORDER BY dimension, currency, key = 'others', sum(charged - refunded) DESC, key
"""


def break_down_sales(
    scope: Scope, asked: SaleFilter, *, most_fans: int = MAX_FANS
) -> SalesBreakdown:
    """Return the sales of a period by each dimension. Raises BadInput for an invalid period."""
    groups: dict[SalesDimension, list[SalesGroup]] = {one: [] for one in SalesDimension}
    hours = []
    totals = {}
    for row in sales.query_sales(scope, asked, _BREAKDOWN, most=most_fans):
        group = _group_from_row(row)
        if row.dimension == "hour":
            weekday, hour = (int(part) for part in row.key.split(":"))
            hours.append(HourOfSales(weekday, hour, group.orders, group.net))
        elif row.dimension == "total":
            totals[group.currency] = group
        else:
            groups[SalesDimension(row.dimension)].append(group)
    return SalesBreakdown(groups, sorted(hours, key=_hour_key), totals)


def _hour_key(one: HourOfSales) -> tuple[int, int]:
    return one.weekday, one.hour


def _group_from_row(row: Any) -> SalesGroup:
    gross, refunds, fees = (
        Money(int(minor), row.currency) for minor in (row.gross, row.refunds, row.fees)
    )
    return SalesGroup(row.key, row.name, int(row.orders), int(row.buyers), gross, refunds, fees)
