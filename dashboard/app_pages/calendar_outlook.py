"""The days ahead, rehearsed: what would leave, what would not and why, what is too near, what runs out before."""

import streamlit as st

from dashboard.app_pages import calendar_filters
from dashboard.frame import Page
from dashboard.reads.compose import connectors
from dashboard.widgets import draw
from foundation.database import Scope
from schedules.outlook import Outlook, outlook

DAYS = (1, 7, 30)
MOST = 200
"""Posts that are judged here; the rest is counted."""


def show(page: Page) -> None:
    """Draw the page."""
    calendar_filters.way_back(page)
    days = st.segmented_control(
        page.word("outlook.days"),
        DAYS,
        default=DAYS[1],
        required=True,
        format_func=lambda one: page.word(f"outlook.days_{one}"),
        key="outlook:days",
    )

    def ask(scope: Scope) -> Outlook:
        mine = [one.id for one in page.mine(scope)]
        return outlook(scope, mine, days=int(days or DAYS[1]), connectors=connectors(), most=MOST)

    draw("calendar_outlook.html", found=page.read(ask), voice=page.voice, word=page.word)
