"""Numbers: money and work of a day, a week or longer, the posts behind them, reports to take away."""

from datetime import timedelta
from functools import partial

import streamlit as st

from dashboard.frame import Page
from dashboard.reads.insights import PERIODS, Insights, insights, report
from dashboard.widgets import draw
from foundation.database import Scope
from insights import reports
from schedules.calendar import local_day
from tenants.reads import Creator

HEIGHT = 3
"""Per cent of the chart that a day without sales keeps, so that one sees it was counted."""


LEAST = 20
"""Per cent of the chart that the smallest crowd of a period takes."""


def show(page: Page) -> None:
    """Draw the page."""
    st.title(page.word("dashboard.page.insights"))
    creators = page.read(page.mine)
    if not creators:
        st.info(page.word("insights.no_creators"))
        return
    left, right = st.columns(2)
    creator = left.selectbox(page.word("insights.creator"), creators, format_func=lambda one: one.name, key="creator")
    length = right.segmented_control(
        page.word("insights.period"),
        PERIODS,
        default=PERIODS[1],
        required=True,
        format_func=lambda days: page.word(f"insights.days_{days}"),
        key="period",
    )

    def ask(scope: Scope) -> Insights:
        return insights(scope, page.my(scope, creator.id), int(length or PERIODS[1]))

    found = page.read(ask)
    draw("insights.html", found=found, voice=page.voice, word=page.word, bars=_bars, steps=_steps)
    _reports(page, creator, found)


def _bars(days: tuple[int, ...]) -> list[int]:
    top = max(days, default=0)
    return [max(100 * max(net, 0) // top, HEIGHT) if top > 0 else HEIGHT for net in days]


def _steps(days: tuple[int | None, ...]) -> list[int]:
    """Per cent of the chart for each day of a crowd: from its least to its most, so that one sees it move."""
    told = [one for one in days if one is not None]
    least, most = min(told), max(told)
    return [0 if one is None else LEAST + (100 - LEAST) * (one - least) // max(most - least, 1) for one in days]


def _reports(page: Page, creator: Creator, found: Insights) -> None:
    st.subheader(page.word("insights.reports"))
    today = local_day(found.now, creator.zone)
    days = [today - timedelta(days=back) for back in range(14)]
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    day = left.selectbox(page.word("insights.day"), days, format_func=page.voice.date, key="day")

    def made(form: str) -> bytes:
        def ask(scope: Scope) -> reports.Report:
            return report(scope, page.my(scope, creator.id), day)

        whole = page.read(ask)
        text = reports.table(whole) if form == "csv" else reports.html(whole, page.voice.language)
        return text.encode()

    for column, form, mime in ((middle, "html", "text/html"), (right, "csv", "text/csv")):
        column.download_button(
            page.word(f"insights.take_{form}"),
            data=partial(made, form),
            file_name=f"{creator.slug}-{day}.{form}",
            mime=mime,
            on_click="ignore",
            key=f"take:{form}",
        )
    st.download_button(
        page.word("insights.take_costs"),
        data=reports.costs_table(found.spent, found.requests).encode(),
        file_name=f"{creator.slug}-costs-{found.spent.month}.csv",
        mime="text/csv",
        on_click="ignore",
        key="take:costs",
    )
