"""One creator in a period: sales with their chart, channels, goals, activity, costs and reports."""

from datetime import timedelta
from functools import partial

import streamlit as st

from dashboard.pages.analytics import filters, goals
from dashboard.pages.analytics.channels import draw_channel_table
from dashboard.pages.analytics.creator_queries import (
    CreatorDetail,
    load_creator_detail,
    load_report_view,
)
from dashboard.pages.analytics.net_chart import draw_net_chart
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.reports import daily_report
from insights.rollups import channel_results
from insights.rollups.channel_results import ChannelResult
from insights.rollups.periods import AnalyticsPeriod
from tenants.agencies.queries import Creator

LINKS = {"content": ":material/grid_view:", "sales": ":material/payments:"}
"""Views of the creator to open, with their icons."""


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

    def ask(scope: Scope) -> tuple[CreatorDetail, list[ChannelResult]]:
        mine = page.get_creator(scope, creator.id)
        detail = load_creator_detail(scope, mine, period)
        return detail, channel_results.list_channel_results(scope, [mine], period)

    found, accounts = page.read(ask)
    st.subheader(escape_markdown(creator.name), anchor=False)
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
        draw_net_chart(page, period, purse.net, purse.days, purse.days_before)
    with st.container(horizontal=True, gap="small"):
        for view, icon in LINKS.items():
            st.button(
                page.text(f"analytics.show_{view}"),
                key=f"analytics:to:{view}",
                icon=icon,
                on_click=filters.open_view,
                args=(view,),
                kwargs={"creator": creator.slug},
            )
    if accounts:
        st.subheader(page.text("insights.view.channels"))
        draw_channel_table(page, period, accounts)
    goals.render_goals(page, [purse.net.currency for purse in found.purses])
    draw_template(
        "pages/analytics/templates/creator.html",
        found=found,
        voice=page.localizer,
        word=page.text,
    )
    _render_report_downloads(page, creator, found)


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
