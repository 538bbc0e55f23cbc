"""The Audience view: followers, active hours, languages, sentiments, top fans, renewals and
response times."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import partial

import streamlit as st
from babel import Locale

from dashboard.pages.analytics import filters, sentiment
from dashboard.pages.analytics.data_tables import draw_data_table, draw_view_table
from dashboard.pages.analytics.sales import HOURS_HEIGHT, load_sales
from dashboard.shell import charts
from dashboard.shell.charts import ChartLabels, ChartPoint, ChartSeries, HeatCell
from dashboard.shell.fan_labels import fan_label
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.reports.tables import analytics_tables
from insights.reports.tables.analytics_tables import AnalyticsTable
from insights.rollups.audience import AudienceAnalysis, ChannelFollowers, load_audience
from insights.rollups.periods import AnalyticsPeriod
from subscribers.orders.sales_breakdowns import SalesDimension

MAX_CHANNELS = 8
"""Number of accounts in the chart, the most followed first."""

BuildTable = Callable[[AudienceAnalysis], AnalyticsTable]


def render_audience(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the audience of the chosen creators."""
    found = _load(page, period)
    language = page.localizer.language
    parts: Mapping[str, tuple[Callable[[], None], BuildTable]] = {
        "followers": (
            partial(_draw_followers, page, found, period),
            analytics_tables.followers_table,
        ),
        "active_hours": (
            partial(_draw_hours, page, found),
            partial(analytics_tables.active_hours_table, language=language),
        ),
        "languages": (
            lambda: None,
            partial(analytics_tables.languages_table, language_name=partial(_name, language)),
        ),
    }
    for name, (draw, build) in parts.items():
        st.subheader(page.text(f"analytics.table.{name}"))
        draw()
        _draw_table(page, period, found, build, name)
    sentiment.render_sentiment(page, period)
    _draw_top_fans(page, period)
    st.subheader(page.text("analytics.table.renewals"))
    _draw_renewals(page, found)
    _draw_table(page, period, found, analytics_tables.renewals_table, "renewals")
    draw_template("shell/templates/note.html", note=page.text("analytics.renewals.about"))
    st.subheader(page.text("analytics.table.responses"))
    _draw_table(page, period, found, analytics_tables.responses_table, "responses", sort="day")


def _load(page: PageContext, period: AnalyticsPeriod) -> AudienceAnalysis:
    def read(scope: Scope) -> AudienceAnalysis:
        return load_audience(scope, filters.list_chosen_creators(page, scope), period)

    return page.read(read)


_draw_table = partial(draw_view_table, view="audience", load=_load)


def _name(language: str, code: str) -> str:
    return str(Locale.parse(language).languages.get(code, code))


def _draw_followers(page: PageContext, found: AudienceAnalysis, period: AnalyticsPeriod) -> None:
    shown = found.followers[:MAX_CHANNELS]
    if not shown:
        return
    series = [
        ChartSeries(_series_name(one), [_follower_point(page, one, day) for day in period.days])
        for one in shown
    ]
    total = sum(one.latest for one in found.followers)
    change = sum(one.change or 0 for one in found.followers)
    labels = ChartLabels(
        "",
        page.text("metric.followers"),
        page.text(
            "analytics.followers.summary",
            count=page.localizer.format_number(total),
            change=f"{'+' if change > 0 else ''}{page.localizer.format_number(change)}",
            accounts=len(found.followers),
        ),
    )
    charts.draw_line_chart(page, labels, series, key="analytics:audience:followers:chart")


def _series_name(one: ChannelFollowers) -> str:
    return f"{one.channel.name} · {one.creator.name}"


def _follower_point(page: PageContext, one: ChannelFollowers, day: date) -> ChartPoint:
    count = one.days.get(day)
    text = page.localizer.format_number(count) if count is not None else ""
    return ChartPoint(page.localizer.format_short_day(day), count, text)


def _draw_hours(page: PageContext, found: AudienceAnalysis) -> None:
    if not found.hours:
        return
    known = {(one.weekday, one.hour): one.messages for one in found.hours}
    cells = [
        HeatCell(
            f"{hour:02}",
            page.text(f"analytics.weekday.{weekday}"),
            known.get((weekday, hour), 0),
            page.localizer.format_number(known.get((weekday, hour), 0)),
        )
        for weekday in range(7)
        for hour in range(24)
    ]
    best = max(found.hours, key=lambda one: one.messages)
    summary = page.text(
        "analytics.active.summary",
        day=page.text(f"analytics.weekday.{best.weekday}"),
        hour=f"{best.hour:02}:00",
        count=page.localizer.format_number(best.messages),
    )
    labels = ChartLabels(
        page.text("analytics.column.hour"), page.text("metric.messages_in"), summary
    )
    down = page.text("analytics.column.weekday")
    charts.draw_heat_map(
        page, labels, cells, key="analytics:audience:hours:chart", down=down, height=HOURS_HEIGHT
    )


def _draw_top_fans(page: PageContext, period: AnalyticsPeriod) -> None:
    """Draw the fans with the highest net sales, by name for members who may see names."""
    st.subheader(page.text("analytics.top_fans"))
    build = partial(
        analytics_tables.sales_groups_table,
        dimension=SalesDimension.FAN,
        language=page.localizer.language,
        fan_label=partial(fan_label, page),
    )
    draw_data_table(
        page,
        build(load_sales(page, period)),
        key="analytics:audience:fans",
        period=period,
        reload=lambda: build(load_sales(page, period)),
    )


def _draw_renewals(page: PageContext, found: AudienceAnalysis) -> None:
    if not found.renewals:
        return
    series = [
        ChartSeries(
            page.text(f"analytics.column.{name}"),
            [
                ChartPoint(
                    page.localizer.format_month(one.first_day),
                    getattr(one, name),
                    page.localizer.format_number(getattr(one, name)),
                )
                for one in found.renewals
            ],
        )
        for name in ("started", "renewed", "ended")
    ]
    ended = sum(one.ended for one in found.renewals)
    started = sum(one.started for one in found.renewals)
    labels = ChartLabels(
        "",
        page.text("analytics.renewals.unit"),
        page.text("analytics.renewals.summary", started=started, ended=ended),
    )
    charts.draw_bar_chart(page, labels, series, key="analytics:audience:renewals:chart")
