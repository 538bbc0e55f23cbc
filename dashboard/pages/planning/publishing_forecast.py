"""Publishing forecast: a dry run of the next days with problems, close posts and expiring items."""

import streamlit as st

from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from schedules.calendar.publishing_forecast import PublishingForecast, forecast_publishing

DAYS = (1, 7, 30)
MAX_FORECAST_POSTS = 200
"""Maximum number of posts that are checked; further posts are only counted."""


def render_publishing_forecast(page: PageContext) -> None:
    """Draw the forecast for the chosen number of days."""
    render_back_button(page)
    days = st.segmented_control(
        page.text("outlook.days"),
        DAYS,
        default=DAYS[1],
        required=True,
        format_func=lambda one: page.text(f"outlook.days_{one}"),
        key="outlook:days",
    )

    def ask(scope: Scope) -> PublishingForecast:
        mine = [one.id for one in page.list_creators(scope)]
        return forecast_publishing(
            scope,
            mine,
            days=int(days or DAYS[1]),
            connectors=platform_connectors(),
            most=MAX_FORECAST_POSTS,
        )

    draw_template(
        "pages/planning/templates/publishing_forecast.html",
        found=page.read(ask),
        voice=page.localizer,
        word=page.text,
    )
