"""The chart of net sales by day, beside the earlier period, with annotations."""

from collections.abc import Sequence

from dashboard.pages.analytics import annotations
from dashboard.shell.charts import (
    ChartLabels,
    ChartPoint,
    ChartSeries,
    draw_bar_chart,
)
from dashboard.shell.page_context import PageContext
from foundation.money import Money
from insights.rollups.periods import AnalyticsPeriod


def draw_net_chart(
    page: PageContext,
    period: AnalyticsPeriod,
    net: Money,
    days: Sequence[int],
    days_before: Sequence[int],
) -> None:
    """Draw net sales by day in minor units. A single day has no chart."""
    if len(days) < 2:
        return
    voice = page.localizer
    series = [ChartSeries(page.text("analytics.this_period"), _points(page, period, net, days))]
    if days_before and period.before is not None:
        name = page.text(f"analytics.compare.{period.compare}")
        earlier = _points(page, period, net, days_before)
        series.append(ChartSeries(name, earlier, is_before=True))
    labels = ChartLabels(
        across=page.text("insights.day"),
        up=page.text("analytics.net_in", currency=net.currency),
        summary=page.text(
            "insights.chart",
            first=voice.format_date(period.first),
            last=voice.format_date(period.last),
            total=voice.format_money(net),
        ),
    )
    draw_bar_chart(
        page,
        labels,
        series,
        key=f"analytics:net:{net.currency}",
        notes=annotations.list_chart_notes(page, period),
    )


def _points(
    page: PageContext, period: AnalyticsPeriod, net: Money, days: Sequence[int]
) -> list[ChartPoint]:
    """Return the amounts on the days of the period; those of an earlier period have its places."""
    places = [page.localizer.format_short_day(day) for day in period.days]
    amounts = [Money(minor, net.currency) for minor in days]
    return [
        ChartPoint(at, float(one.decimal), page.localizer.format_money(one))
        for at, one in zip(places, amounts, strict=False)
    ]
