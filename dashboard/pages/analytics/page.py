"""The Analytics page: all creators in one table, and for one creator sales and activity over one to
90 days, the posts of the period, and report downloads."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import overview
from dashboard.pages.analytics.queries import (
    PERIOD_DAYS,
    AnalyticsView,
    load_analytics,
    load_report_view,
)
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from tenants.agencies.queries import Creator

VIEW = "insights:view"
VIEWS = ("overview", "creator")
CREATOR = "creator"

HEIGHT = 3
"""Bar height of a counted day without sales, in per cent of the chart. It distinguishes the day
from one that is not counted."""


MIN_CHART_PERCENT = 20
"""Bar height of the lowest follower count of a period, in per cent of the chart."""


def render_page(page: PageContext) -> None:
    """Render the Analytics page: all creators in one table, or one creator in detail."""
    st.title(page.text("dashboard.page.insights"))
    creators = page.read(page.list_creators)
    if not creators:
        st.info(page.text("insights.no_creators"))
        return
    if VIEW not in st.session_state:
        asked = st.query_params.get("view", "")
        usual = "overview" if len(creators) > 1 else "creator"
        st.session_state[VIEW] = asked if asked in VIEWS else usual
    view = st.segmented_control(
        page.text("insights.view"),
        VIEWS,
        required=True,
        format_func=lambda one: page.text(f"insights.view.{one}"),
        key=VIEW,
        label_visibility="collapsed",
    )
    if view == "overview":
        overview.render_overview(page, partial(_open_creator, creators))
    else:
        _render_creator(page, creators)


def _open_creator(creators: Sequence[Creator], creator_id: UUID) -> None:
    """Show a creator in detail. The ID comes from the browser."""
    found = next((one for one in creators if one.id == creator_id), None)
    if found is not None:
        st.session_state[VIEW] = "creator"
        st.session_state[CREATOR] = found


def _render_creator(page: PageContext, creators: Sequence[Creator]) -> None:
    left, right = st.columns(2)
    creator = left.selectbox(
        page.text("insights.creator"), creators, format_func=lambda one: one.name, key=CREATOR
    )
    length = right.segmented_control(
        page.text("insights.period"),
        PERIOD_DAYS,
        default=PERIOD_DAYS[1],
        required=True,
        format_func=lambda days: page.text(f"insights.days_{days}"),
        key="period",
    )

    def ask(scope: Scope) -> AnalyticsView:
        return load_analytics(
            scope, page.get_creator(scope, creator.id), int(length or PERIOD_DAYS[1])
        )

    found = page.read(ask)
    draw_template(
        "pages/analytics/templates/analytics.html",
        found=found,
        voice=page.localizer,
        word=page.text,
        bars=_sales_bar_heights,
        steps=_follower_bar_heights,
    )
    _render_report_downloads(page, creator, found)


def _sales_bar_heights(days: tuple[int, ...]) -> list[int]:
    top = max(days, default=0)
    return [max(100 * max(net, 0) // top, HEIGHT) if top > 0 else HEIGHT for net in days]


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


def _render_report_downloads(page: PageContext, creator: Creator, found: AnalyticsView) -> None:
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
