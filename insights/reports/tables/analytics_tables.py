"""Tables of Analytics: pages, files and share links show the same rows.

A column is named by a metric of the catalogue, or by a message `analytics.column.<name>`. Amounts
have the currency of their row; a value that is unknown is None.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from uuid import UUID

from foundation.i18n.translation import Message, render_message
from insights.analysis.timing import HourCell
from insights.metrics.catalog import METRICS
from insights.reports.tables.table_files import Sheet, TableValue
from insights.rollups.audience import AudienceAnalysis
from insights.rollups.costs import CostAnalysis, ProfitMonth
from insights.rollups.sales_analysis import SalesAnalysis
from subscribers.ledger.cost_entries import CostKind
from subscribers.orders.sales import PeriodSales
from subscribers.orders.sales_breakdowns import OTHER_FANS, SalesDimension, SalesGroup

FanLabel = Callable[[UUID, str], str]
"""Return the label of a fan: the name, or a number for members who may not see names."""


@dataclass(frozen=True)
class AnalyticsTable:
    """A table. `code` names it (`analytics.table.<code>`)."""

    code: str
    columns: tuple[str, ...]
    rows: tuple[tuple[TableValue, ...], ...]

    def to_sheet(self, language: str) -> Sheet:
        """Return the table with its headings in a language, for a file."""
        headings = [render_message(column_name(one), language) for one in self.columns]
        name = render_message(Message(f"analytics.table.{self.code}"), language)
        return Sheet(name, headings, self.rows)


def column_name(column: str) -> Message:
    """Return the message of the heading of a column."""
    metric = METRICS.get(column)
    return metric.name if metric is not None else Message(f"analytics.column.{column}")


_AMOUNTS = ("gross", "refunds", "net", "fees", "net_after_fees", "orders")
_GROUPS = ("currency", *_AMOUNTS, "buyers", "average_order", "net_per_buyer")


def sales_totals_table(found: SalesAnalysis) -> AnalyticsTable:
    """Return the sums of the period, one row for each currency."""
    rows = [
        (one.currency, *_group_values(one)[1:], found.net_before(one.currency))
        for one in found.breakdown.totals.values()
    ]
    return AnalyticsTable("sales_totals", (*_GROUPS, "net_before"), tuple(rows))


def sales_days_table(found: SalesAnalysis) -> AnalyticsTable:
    """Return the sums of each day with sales, by currency."""
    rows = [
        (day, one.currency, *_day_values(one, day))
        for one in found.currencies
        for day in sorted(one.days)
    ]
    return AnalyticsTable("sales_days", ("day", "currency", *_AMOUNTS), tuple(rows))


def _day_values(one: PeriodSales, day: date) -> tuple[TableValue, ...]:
    sums = one.days[day]
    amounts = (
        sums.gross_minor,
        sums.refunds_minor,
        sums.gross_minor - sums.refunds_minor,
        sums.fees_minor,
        sums.net_minor,
    )
    return (*(replace(one.net, minor=minor) for minor in amounts), sums.orders)


def sales_groups_table(
    found: SalesAnalysis,
    dimension: SalesDimension,
    language: str,
    fan_label: FanLabel | None = None,
) -> AnalyticsTable:
    """Return the sales by a dimension. Fans need a `fan_label`, which hides or shows names."""
    groups = found.breakdown.groups[dimension]
    rows = [
        (_group_name(one, dimension, language, fan_label), *_group_values(one)) for one in groups
    ]
    return AnalyticsTable(f"sales_by_{dimension}", (str(dimension), *_GROUPS), tuple(rows))


def _group_name(
    one: SalesGroup, dimension: SalesDimension, language: str, fan_label: FanLabel | None
) -> str:
    if dimension is SalesDimension.FAN and one.key not in ("", OTHER_FANS):
        if fan_label is None:
            raise ValueError("fans are listed only with labels")
        return fan_label(UUID(one.key), one.name)
    if one.key == OTHER_FANS:
        return render_message(Message("analytics.other_fans"), language)
    return one.name or render_message(Message(f"analytics.unknown.{dimension}"), language)


def _group_values(one: SalesGroup) -> tuple[TableValue, ...]:
    amounts = (one.gross, one.refunds, one.net, one.fees, one.after_fees)
    counts = (one.orders, one.buyers)
    return (one.currency, *amounts, *counts, one.per_order, one.per_buyer)


def sales_hours_table(found: SalesAnalysis, language: str) -> AnalyticsTable:
    """Return the hours of the week with sales, by currency."""
    rows = [
        (_weekday(one.weekday, language), one.hour, one.net.currency, one.orders, one.net)
        for one in found.breakdown.hours
    ]
    columns = ("weekday", "hour", "currency", "orders", "net")
    return AnalyticsTable("sales_hours", columns, tuple(rows))


def _weekday(number: int, language: str) -> str:
    return render_message(Message(f"analytics.weekday.{number}"), language)


def funnel_table(found: SalesAnalysis, language: str) -> AnalyticsTable:
    """Return the steps from a view to a purchase."""
    rows = [
        (render_message(Message(f"analytics.funnel.{one.name}"), language), one.count, one.rate)
        for one in found.funnel
    ]
    return AnalyticsTable("funnel", ("step", "number", "share_of_step"), tuple(rows))


def cohorts_table(found: SalesAnalysis) -> AnalyticsTable:
    """Return the ended months of each cohort, one row for each currency, with the buyers in the
    first row of a month."""
    rows: list[tuple[TableValue, ...]] = []
    for one in found.cohorts.cohorts:
        for number, month in enumerate(one.months):
            start = (one.first_day, one.size, number)
            counts: tuple[TableValue, ...] = (month.buyers, one.retention(number))
            for money in month.net or (None,):
                currency = money.currency if money is not None else ""
                rows.append((*start, *counts, currency, money))
                counts = (None, None)
    columns = ("cohort", "size", "month_number", "buyers", "retention", "currency", "net")
    return AnalyticsTable("cohorts", columns, tuple(rows))


def followers_table(found: AudienceAnalysis) -> AnalyticsTable:
    """Return the last follower count of each account and its change in the period."""
    rows = [
        (one.creator.name, one.channel.name, one.latest, one.change, max(one.days))
        for one in found.followers
    ]
    columns = ("creator", "channel", "followers", "followers_gained", "counted_on")
    return AnalyticsTable("followers", columns, tuple(rows))


def active_hours_table(found: AudienceAnalysis, language: str) -> AnalyticsTable:
    """Return the hours of the week in which fans wrote."""
    rows = [
        (_weekday(one.weekday, language), one.hour, one.messages, one.conversations)
        for one in found.hours
    ]
    columns = ("weekday", "hour", "messages_in", "conversations")
    return AnalyticsTable("active_hours", columns, tuple(rows))


def posting_hours_table(cells: Sequence[HourCell], language: str) -> AnalyticsTable:
    """Return the hours of the week with posts, and their result relative to the account's usual
    one."""
    rows = [
        (
            _weekday(one.weekday, language),
            one.hour,
            one.posts,
            Fraction(round(1000 * one.share), 1000),
        )
        for one in cells
    ]
    columns = ("weekday", "hour", "posts", "against_usual")
    return AnalyticsTable("posting_hours", columns, tuple(rows))


def languages_table(found: AudienceAnalysis, language_name: Callable[[str], str]) -> AnalyticsTable:
    """Return the languages of fans with their share."""
    every = sum(count for _, count in found.languages)
    rows = [(language_name(code), count, Fraction(count, every)) for code, count in found.languages]
    return AnalyticsTable("languages", ("language", "fans", "share"), tuple(rows))


def responses_table(found: AudienceAnalysis) -> AnalyticsTable:
    """Return the response times in seconds of each creator and day."""
    columns = ("response_time_median", "response_time_p90", "answered", "unanswered")
    rows = [
        (one.day, one.creator.name, *(one.values.get(name) for name in columns))
        for one in found.responses
    ]
    return AnalyticsTable("responses", ("day", "creator", *columns), tuple(rows))


def renewals_table(found: AudienceAnalysis) -> AnalyticsTable:
    """Return the subscriptions that started, were renewed and ended, by month."""
    rows = [
        (one.first_day, one.running, one.started, one.renewed, one.ended, one.churn)
        for one in found.renewals
    ]
    columns = ("month", "running", "started", "renewed", "ended", "churn")
    return AnalyticsTable("renewals", columns, tuple(rows))


COST_METRICS: Mapping[CostKind, str] = {kind: f"cost_{kind}" for kind in CostKind}
"""The metric of each kind of cost."""


def profit_table(months: Iterable[ProfitMonth]) -> AnalyticsTable:
    """Return sales, costs and profit by month, creator and currency."""
    rows = [
        (
            *(one.first_day, one.creator.name, one.currency, one.net, one.fees),
            *(one.cost, one.profit, one.roi),
            *(one.costs[kind] for kind in CostKind),
            *(one.gross, one.refunds),
        )
        for one in months
    ]
    results = ("net", "fees", "costs", "profit", "roi")
    details = (*COST_METRICS.values(), "gross", "refunds")
    columns = ("month", "creator", "currency", *results, *details)
    return AnalyticsTable("profit", columns, tuple(rows))


def cost_entries_table(
    found: CostAnalysis, actor_name: Callable[[str], str], language: str
) -> AnalyticsTable:
    """Return the costs that members entered; voided ones say so."""
    names = {one.id: one.name for one in found.creators}
    rows = [
        (
            one.spent_on,
            names[one.creator_id],
            render_message(METRICS[COST_METRICS[one.kind]].name, language),
            one.money,
            one.money.currency,
            one.note,
            actor_name(one.by),
            render_message(
                Message(f"analytics.cost.{'counts' if one.voided_at is None else 'voided'}"),
                language,
            ),
        )
        for one in found.entries
    ]
    columns = ("day", "creator", "kind", "amount", "currency", "note", "entered_by", "state")
    return AnalyticsTable("cost_entries", columns, tuple(rows))


def to_sheets(tables: Sequence[AnalyticsTable], language: str) -> list[Sheet]:
    """Return the tables as the sheets of one workbook."""
    return [one.to_sheet(language) for one in tables]
