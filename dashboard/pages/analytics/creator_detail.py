"""One creator in a period: sales with their chart, activity, followers, costs and reports."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.pages.analytics.creator_queries import (
    CreatorDetail,
    CurrencyTotals,
    load_creator_detail,
    load_report_view,
)
from dashboard.shell.charts import (
    ChartLabels,
    ChartPoint,
    ChartSeries,
    currency_label,
    draw_bar_chart,
)
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.queries import Creator

MIN_CHART_PERCENT = 20
"""Bar height of the lowest follower count of a period, in per cent of the chart."""


def render_creator(page: PageContext, creator: Creator, period: AnalyticsPeriod) -> None:
    """Render a creator, with a button that returns to all creators."""
    if filters.is_one_creator_chosen():
        st.button(
            page.text("analytics.back_to_all"),
            key="analytics:all",
            icon=":material/arrow_back:",
            type="tertiary",
            on_click=filters.choose_creator,
            args=(filters.ALL,),
        )

    def ask(scope: Scope) -> CreatorDetail:
        return load_creator_detail(scope, page.get_creator(scope, creator.id), period)

    found = page.read(ask)
    if not found.purses:
        draw_template("shell/templates/empty_note.html", note=page.text("insights.no_money"))
    for purse in found.purses:
        draw_template(
            "pages/analytics/templates/totals.html",
            purse=purse,
            compares=period.before is not None,
            voice=page.localizer,
            word=page.text,
        )
        if len(found.days) > 1:
            _draw_sales(page, found, purse, period)
    draw_template(
        "pages/analytics/templates/creator.html",
        found=found,
        steps=_follower_bar_heights,
        voice=page.localizer,
        word=page.text,
    )
    _render_report_downloads(page, creator, found)


def _draw_sales(
    page: PageContext, found: CreatorDetail, purse: CurrencyTotals, period: AnalyticsPeriod
) -> None:
    """Draw the net amount of each day beside the day of the earlier period."""
    voice, currency = page.localizer, purse.net.currency
    names = [voice.format_short_day(day) for day in found.days]

    def points(days: Sequence[int]) -> list[ChartPoint]:
        amounts = [Money(minor, currency) for minor in days]
        return [
            ChartPoint(at, float(one.decimal), voice.format_money(one))
            for at, one in zip(names, amounts, strict=False)
        ]

    series = [ChartSeries(page.text("analytics.this_period"), points(purse.days))]
    if purse.days_before:
        name = page.text(f"analytics.compare.{period.compare}")
        series.append(ChartSeries(name, points(purse.days_before), is_before=True))
    labels = ChartLabels(
        across=page.text("insights.day"),
        up=page.text("analytics.net_in", unit=currency_label(page, currency)),
        summary=page.text(
            "insights.chart",
            first=voice.format_date(found.days[0]),
            last=voice.format_date(found.days[-1]),
            total=voice.format_money(purse.net),
        ),
    )
    draw_bar_chart(page, labels, series, key=f"analytics:sales:{currency}")


def _follower_bar_heights(days: tuple[int | None, ...]) -> list[int]:
    """Return the bar height of each day in per cent of the chart, scaled from the lowest to the
    highest count of the period so that small changes are visible."""
    told = [one for one in days if one is not None]
    least = min(told)
    most = max(told)
    return [
        0
        if one is None
        else MIN_CHART_PERCENT + (100 - MIN_CHART_PERCENT) * (one - least) // max(most - least, 1)
        for one in days
    ]


def _render_report_downloads(page: PageContext, creator: Creator, found: CreatorDetail) -> None:
    st.subheader(page.text("insights.reports"))
    today = local_day(found.now, creator.zone)
    days = [today - timedelta(days=back) for back in range(14)]
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    day = left.selectbox(
        page.text("insights.day"), days, format_func=page.localizer.format_date, key="day"
    )

    def made(form: str) -> bytes:
        def ask(scope: Scope) -> daily_report.DailyReport:
            return load_report_view(scope, page.get_creator(scope, creator.id), day)

        whole = page.read(ask)
        text = (
            daily_report.render_daily_csv(whole)
            if form == "csv"
            else daily_report.render_daily_html(whole, page.localizer.language)
        )
        return text.encode()

    for column, form, mime in ((middle, "html", "text/html"), (right, "csv", "text/csv")):
        column.download_button(
            page.text(f"insights.take_{form}"),
            data=partial(made, form),
            file_name=f"{creator.slug}-{day}.{form}",
            mime=mime,
            on_click="ignore",
            key=f"take:{form}",
        )
    st.download_button(
        page.text("insights.take_costs"),
        data=daily_report.render_costs_csv(found.spent, found.requests).encode(),
        file_name=f"{creator.slug}-costs-{found.spent.month}.csv",
        mime="text/csv",
        on_click="ignore",
        key="take:costs",
    )
