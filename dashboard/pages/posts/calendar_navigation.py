"""Navigation of the pages around the calendar: the Back button and the creator filter."""

import streamlit as st

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.errors import NotFound
from tenants.agencies.queries import Creator

SELECT_WIDTH = 280
"""Width of a filter in pixels."""


def render_back_button(page: PageContext) -> None:
    """Render the button that returns to the calendar."""
    st.button(
        page.text("calendar.back"), icon=":material/arrow_back:", on_click=st.query_params.clear
    )


def select_creator(page: PageContext, asks: str, asked: str) -> Creator | None:
    """Return the creator in the URL (`?asks=asked`), or the one that the user selects. Render a
    notice and return None if the member has no creators.

    Raise NotFound for a creator the member does not work for.
    """
    mine = {one.slug: one for one in page.read(page.list_creators)}
    key = f"{asks}:creator"
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return None
    if asked not in ("1", *mine):
        raise NotFound("creator.unknown", creator=asked)
    if asked in mine and st.session_state.get(key) != asked:
        st.session_state[key] = asked
    if len(mine) == 1:
        return next(iter(mine.values()))
    chosen = st.selectbox(
        page.text("calendar.creator"),
        list(mine),
        format_func=lambda slug: mine[slug].name,
        key=key,
        on_change=lambda: st.query_params.from_dict({asks: str(st.session_state[key])}),
        width=320,
    )
    return mine[chosen]
