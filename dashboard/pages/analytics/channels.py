"""The Channels view: accounts beside each other, in a chart and in a table."""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from functools import partial

from dashboard.pages.analytics import annotations, filters
from dashboard.pages.analytics.data_tables import draw_data_table
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries, draw_line_chart
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.reports.tables.content_tables import channels_table
from insights.reports.value_text import format_value
from insights.rollups import channel_results
from insights.rollups.channel_results import FOLLOWERS, ChannelResult
from insights.rollups.periods import AnalyticsPeriod

CHARTS = ("followers", "growth", "views")
MAX_CHANNELS = 8
"""Number of accounts in the chart, the most followed first."""


def render_channels(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the accounts of the chosen creators."""
    found = page.read(partial(_load, page, period))
    if not found:
        draw_template("shell/templates/empty_note.html", note=page.text("channels_view.none"))
        return
    _draw_chart(page, found, period)
    draw_channel_table(page, period, found)
    draw_template("shell/templates/note.html", note=page.text("channels_view.about"))


def draw_channel_table(
    page: PageContext, period: AnalyticsPeriod, found: Sequence[ChannelResult]
) -> None:
    """Draw a table of accounts. A row that is pressed shows the posts of its account."""
    language = page.localizer.language
    draw_data_table(
        page,
        channels_table(found, language),
        key="analytics:channels",
        period=period,
        reload=lambda: channels_table(page.read(partial(_load, page, period)), language),
        sort="followers",
        on_open=partial(_open_channel, found),
    )


def _load(page: PageContext, period: AnalyticsPeriod, scope: Scope) -> list[ChannelResult]:
    chosen = filters.list_chosen_creators(page, scope)
    return channel_results.list_channel_results(scope, chosen, period)


def _open_channel(found: Sequence[ChannelResult], place: int) -> None:
    """Show the posts of an account."""
    if place < len(found):
        one = found[place]
        filters.open_view("content", creator=one.creator.slug, channel=str(one.channel.id))


def _draw_chart(page: PageContext, found: Sequence[ChannelResult], period: AnalyticsPeriod) -> None:
    options = {one: page.text(f"channels_view.chart.{one}") for one in CHARTS}
    chart = filters.select_option(page, "chart", options, label=page.text("channels_view.chart"))
    values = {_label(one, found): _values(one, chart, period.days) for one in found[:MAX_CHANNELS]}
    known = {name: days for name, days in values.items() if len(days) > 1}
    if not known:
        return
    voice = page.localizer
    totals = {
        name: sum(days.values()) if chart == "views" else days[max(days)]
        for name, days in known.items()
    }
    best = max(totals, key=lambda name: totals[name])
    labels = ChartLabels(
        across=page.text("insights.day"),
        up=page.text("channels_view.growth_axis") if chart == "growth" else options[chart],
        summary=page.text(
            f"channels_view.summary.{chart}",
            channel=best,
            value=_format(page, chart, totals[best]),
        ),
    )
    series = [
        ChartSeries(
            name,
            [
                ChartPoint(
                    voice.format_short_day(day),
                    days.get(day),
                    _format(page, chart, days[day]) if day in days else "",
                )
                for day in period.days
            ],
        )
        for name, days in known.items()
    ]
    notes = annotations.list_chart_notes(page, period)
    draw_line_chart(page, labels, series, key=f"analytics:channels:{chart}", notes=notes)


def _values(one: ChannelResult, chart: str, days: Sequence[date]) -> Mapping[date, float]:
    """Return the values of an account on the days of the period that have one."""
    counts = one.days.get("views" if chart == "views" else FOLLOWERS, {})
    known = {day: float(counts[day]) for day in days if day in counts}
    if chart != "growth":
        return known
    start = known[min(known)] if known else 0
    return {day: 100 * (count - start) / start for day, count in known.items()} if start else {}


def _format(page: PageContext, chart: str, value: float) -> str:
    if chart == "growth":
        share = Fraction(value / 100).limit_denominator(10**6)
        return format_value("growth", share, page.localizer.language)
    return page.localizer.format_number(round(value))


def _label(one: ChannelResult, found: Sequence[ChannelResult]) -> str:
    """Return a name that no other account in the chart has, if possible."""
    if [each.channel.name for each in found].count(one.channel.name) == 1:
        return one.channel.name
    return f"{one.creator.name} · {one.channel.name}"
