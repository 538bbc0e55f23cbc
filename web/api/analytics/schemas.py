"""Requests and responses of Analytics. Amounts are in minor units of their currency; an unknown
value is null, never 0."""

from datetime import date, datetime
from fractions import Fraction
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from foundation.i18n.translation import render_message
from foundation.money import Money
from insights.metrics.catalog import Metric
from insights.rollups.costs import ProfitMonth
from insights.rollups.metric_queries import ChannelDayValue, has_series
from insights.rollups.sales_analysis import FunnelStep
from subscribers.ledger.cost_entries import (
    MAX_AMOUNT_MINOR,
    MAX_NOTE_LENGTH,
    CostEntryView,
    CostKind,
)
from subscribers.orders.cohorts import Cohort
from subscribers.orders.sales_breakdowns import HourOfSales, SalesDimension, SalesGroup
from web.api.common.errors import ERROR_LANGUAGE
from web.api.common.schemas import Day, PageQuery, RequestModel, StorableText, example_config


class PeriodQuery(RequestModel):
    """A period of at most 366 days, both ends included, in the time zone of each creator. Without a
    `creator`, it covers all creators of the key."""

    creator: UUID | None = None
    first: Day
    last: Day


class CreatorQuery(RequestModel):
    """One creator, or all creators of the key."""

    creator: UUID | None = None


class SalesQuery(PeriodQuery):
    """A period with the earlier period that it is compared with."""

    compare: Literal["previous", "last_year", "none"] = "previous"


class GroupsQuery(PageQuery, PeriodQuery):
    """A page of the groups of one dimension."""

    by: SalesDimension


class SeriesQuery(PageQuery, PeriodQuery):
    """A page of a metric by day."""

    metric: Annotated[StorableText, Field(max_length=60, examples=["views"])]


class PostsQuery(PageQuery, PeriodQuery):
    """A page of posts at an equal age."""

    age_hours: Annotated[int, Field(ge=1, le=2160, examples=[24])]


class CostsQuery(PageQuery, PeriodQuery):
    """A page of the entered costs."""


class MetricOut(BaseModel):
    """A metric. `formula` is empty for a measured one; `platforms` is null if it does not depend on
    the platform. Metrics that are not `summable` must not be added over posts, days or accounts.
    Only those with `has_series` have a value for each day."""

    code: str
    name: str
    help: str
    unit: Literal["count", "money", "seconds", "ratio"]
    source: str
    level: Literal["post", "channel", "creator"]
    summable: bool
    formula: str
    platforms: list[str] | None
    has_series: bool

    @classmethod
    def of(cls, one: Metric) -> "MetricOut":
        return cls(
            code=one.code,
            name=render_message(one.name, ERROR_LANGUAGE),
            help=render_message(one.explanation, ERROR_LANGUAGE),
            unit=one.unit,
            source=one.source,
            level=one.level,
            summable=one.summable,
            formula=one.formula,
            platforms=sorted(one.platforms) if one.platforms is not None else None,
            has_series=has_series(one),
        )


class MetricsOut(BaseModel):
    """The catalogue of metrics."""

    items: list[MetricOut]


class SeriesPointOut(BaseModel):
    """A metric on a local day. `channel_id` is null for a metric of the creator, and `currency` is
    set for money. Counters are the change of the day; `interpolated` values are shares of a longer
    interval between two readings."""

    creator_id: UUID
    channel_id: UUID | None
    day: date
    value: int | float
    currency: str
    interpolated: bool

    @classmethod
    def of(cls, one: ChannelDayValue) -> "SeriesPointOut":
        return cls(
            creator_id=one.creator_id,
            channel_id=one.channel_id,
            day=one.day,
            value=one.value,
            currency="",
            interpolated=one.interpolated,
        )


class SeriesOut(BaseModel):
    """A metric by day, oldest first; days without a value are absent. `next` is the cursor of the
    next page, or null."""

    metric: str
    items: list[SeriesPointOut]
    next: str | None


class PostValuesOut(BaseModel):
    """The metrics of a delivery at the age of the query; those that its platform does not report
    are absent."""

    id: UUID
    values: dict[str, int]


class PostsOut(BaseModel):
    """Deliveries with a reading at this age. `next` is the cursor of the next page, or null."""

    age_hours: int
    items: list[PostValuesOut]
    next: str | None


class SalesAmountsOut(BaseModel):
    """Sums in one currency. `net` is `gross` minus `refunds`; `average_order` and `net_per_buyer`
    are rounded, and null without orders or known buyers."""

    currency: str
    gross: int
    refunds: int
    net: int
    fees: int
    orders: int
    buyers: int
    average_order: int | None
    net_per_buyer: int | None

    @classmethod
    def of(cls, one: SalesGroup) -> "SalesAmountsOut":
        return cls(**amounts_of(one))


def amounts_of(one: SalesGroup) -> dict[str, str | int | None]:
    """Return the fields of a group."""
    return {
        "currency": one.currency,
        "gross": one.gross.minor,
        "refunds": one.refunds.minor,
        "net": one.net.minor,
        "fees": one.fees.minor,
        "orders": one.orders,
        "buyers": one.buyers,
        "average_order": _minor(one.per_order),
        "net_per_buyer": _minor(one.per_buyer),
    }


def _minor(money: Money | None) -> int | None:
    return money.minor if money is not None else None


class SalesTotalOut(SalesAmountsOut):
    """Sums of the period in one currency. `net_before` is the net amount of the earlier period, or
    null without a comparison."""

    net_before: int | None


class FunnelStepOut(BaseModel):
    """A step from a view to a purchase: `count` is null if it is not measured, and `rate` is its
    share of the last measured step before."""

    name: Literal["seen", "clicked", "chatted", "bought"]
    count: int | None
    rate: float | None

    @classmethod
    def of(cls, one: FunnelStep) -> "FunnelStepOut":
        return cls(name=one.name, count=one.count, rate=round_ratio(one.rate))


def round_ratio(value: Fraction | None) -> float | None:
    """Return a ratio with six decimals, or None."""
    return round(float(value), 6) if value is not None else None


class SalesOut(BaseModel):
    """The sales of a period: sums by currency, buyers, and the steps to a purchase."""

    totals: list[SalesTotalOut]
    buyers_new: int
    buyers_returning: int
    funnel: list[FunnelStepOut]


class SalesGroupOut(SalesAmountsOut):
    """The sales of one group. `key` is the ID of the creator, pack, account or fan; platforms of
    imported statements have their name, items without a pack their title. The 100 fans with the
    highest sales in each currency are listed, the others are the group `others`. Fans have no
    name."""

    key: str
    name: str


class SalesGroupsOut(BaseModel):
    """The groups of a dimension, by currency, highest net amount first. `next` is the cursor of the
    next page, or null."""

    items: list[SalesGroupOut]
    next: str | None


class HourOut(BaseModel):
    """The sales of an hour of the week in the time zone of each creator; weekday 0 is Monday."""

    weekday: int
    hour: int
    currency: str
    orders: int
    net: int

    @classmethod
    def of(cls, one: HourOfSales) -> "HourOut":
        return cls(
            weekday=one.weekday,
            hour=one.hour,
            currency=one.net.currency,
            orders=one.orders,
            net=one.net.minor,
        )


class HoursOut(BaseModel):
    """The hours of the week with sales."""

    items: list[HourOut]


class AmountOut(BaseModel):
    """An amount in minor units of `currency`."""

    minor: int
    currency: str

    @classmethod
    def of(cls, money: Money) -> "AmountOut":
        return cls(minor=money.minor, currency=money.currency)


class CohortMonthOut(BaseModel):
    """A month of a cohort that has ended, by its number since the first purchase."""

    number: int
    buyers: int
    retention: float | None
    net: list[AmountOut]


class CohortOut(BaseModel):
    """Fans by the month of their first purchase, such as `2026-05`."""

    month: str
    size: int
    months: list[CohortMonthOut]

    @classmethod
    def of(cls, one: Cohort) -> "CohortOut":
        months = [
            CohortMonthOut(
                number=number,
                buyers=month.buyers,
                retention=round_ratio(one.retention(number)),
                net=[AmountOut.of(money) for money in month.net],
            )
            for number, month in enumerate(one.months)
        ]
        return cls(month=f"{one.first_day:%Y-%m}", size=one.size, months=months)


class CohortsOut(BaseModel):
    """The cohorts of the last twelve months. `unassigned` are net sales without a known fan."""

    items: list[CohortOut]
    unassigned: list[AmountOut]


class ProfitMonthOut(BaseModel):
    """Sales, costs and profit of a creator in a month and currency. `profit` is `net` minus `fees`
    and the sum of `costs`; `roi` is null without costs."""

    creator_id: UUID
    month: str
    currency: str
    gross: int
    refunds: int
    net: int
    fees: int
    costs: dict[CostKind, int]
    profit: int
    roi: float | None

    @classmethod
    def of(cls, one: ProfitMonth) -> "ProfitMonthOut":
        return cls(
            creator_id=one.creator.id,
            month=f"{one.first_day:%Y-%m}",
            currency=one.currency,
            gross=one.gross.minor,
            refunds=one.refunds.minor,
            net=one.net.minor,
            fees=one.fees.minor,
            costs={kind: money.minor for kind, money in one.costs.items()},
            profit=one.profit.minor,
            roi=round_ratio(one.roi),
        )


class ProfitOut(BaseModel):
    """The whole months of a period, latest first."""

    items: list[ProfitMonthOut]


class CostIn(RequestModel):
    """A cost to enter. `spent_on` is a day in the creator's time zone, today at the latest."""

    model_config = example_config(
        {
            "creator_id": "0198c0de-0000-7000-8000-000000000001",
            "kind": "ads",
            "minor": 4990,
            "currency": "EUR",
            "spent_on": "2026-01-15",
            "note": "Shout-out",
        }
    )
    creator_id: UUID
    kind: CostKind
    minor: Annotated[int, Field(ge=1, le=MAX_AMOUNT_MINOR, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
    spent_on: Day
    note: Annotated[StorableText, Field(max_length=MAX_NOTE_LENGTH)] = ""


class CostOut(BaseModel):
    """An entered cost. A voided one has a `voided_at` and no longer counts. `version` is the value
    of the `ETag`."""

    id: UUID
    creator_id: UUID
    kind: CostKind
    minor: int
    currency: str
    spent_on: date
    note: str
    voided_at: datetime | None
    version: int

    @classmethod
    def of(cls, one: CostEntryView) -> "CostOut":
        return cls(
            id=one.id,
            creator_id=one.creator_id,
            kind=one.kind,
            minor=one.money.minor,
            currency=one.money.currency,
            spent_on=one.spent_on,
            note=one.note,
            voided_at=one.voided_at,
            version=one.version,
        )


class CostsOut(BaseModel):
    """Entered costs, by ID. `next` is the cursor of the next page, or null."""

    items: list[CostOut]
    next: str | None
