"""Draw the page Reports: schedules, stored reports, and a report of any period as a file."""

import streamlit as st

from dashboard.pages.reports import direct_download, schedule_form, schedule_list
from dashboard.pages.reports.queries import load_reports
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template

SECTION = "reports:section"
SECTIONS = ("schedules", "download")


def render_page(page: PageContext) -> None:
    """Draw the page."""
    st.title(page.text("dashboard.page.reports"))
    found = page.read(lambda scope: load_reports(page, scope))
    if not found.creators:
        draw_template(
            "shell/templates/empty.html",
            code="dashboard.no_creators",
            voice=page.localizer,
            word=page.text,
        )
        return
    if SECTION not in st.session_state:
        asked = st.query_params.get("section", "")
        st.session_state[SECTION] = asked if asked in SECTIONS else SECTIONS[0]
    section = st.segmented_control(
        page.text("reports.sections"),
        SECTIONS,
        required=True,
        format_func=lambda one: page.text(f"reports.section_{one}"),
        key=SECTION,
        label_visibility="collapsed",
    )
    if section == "download":
        direct_download.render_download(page, found)
    elif schedule_form.is_open():
        schedule_form.render_form(page, found)
    else:
        schedule_list.render_schedules(page, found)
