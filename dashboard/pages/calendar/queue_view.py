"""The queue view: for each account the posts and the gaps of the next days."""

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.calendar.queries import CalendarFilter
from dashboard.pages.calendar.queue_queries import load_queues
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from tenants.agencies.rights import Right


def render_queue_view(page: PageContext, wanted: CalendarFilter) -> None:
    """Render the queues of all accounts as one HTML fragment."""
    found = page.read(lambda scope: load_queues(scope, page.list_creators(scope), wanted))
    with st.container(key="gr_grid", gap="small"):
        draw_template(
            "pages/calendar/templates/queue.html",
            found=found.cards,
            queues=found.accounts,
            narrowed=found.is_narrowed,
            held=False,
            several=False,
            cities=False,
            clocks=lambda hours: ", ".join(f"{one:%H:%M}" for one in hours),
            runs=page.has_right(Right.RUN),
            src=library_files.picture_url,
            voice=page.localizer,
            word=page.text,
        )
    if not found.accounts:
        draw_template("shell/templates/empty.html", code="calendar.queue.none", word=page.text)
    if found.cut:
        draw_template("shell/templates/note.html", note=page.text("calendar.cut"))
    draw_template(
        "shell/templates/as_of.html", now=found.cards.now, voice=page.localizer, word=page.text
    )
