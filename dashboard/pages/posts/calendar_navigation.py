"""Navigation of the pages around the calendar: the way back, and the choice of a creator."""

import streamlit as st

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.errors import NotFound
from tenants.agencies.queries import Creator

SELECT_WIDTH = 148
"""Pixels: what is looked at is chosen in one row on a desk; on a phone the row is wiped along."""


def render_back_button(page: PageContext) -> None:
    """The press that leads from a page of its own to the calendar."""
    st.button(
        page.text("calendar.back"), icon=":material/arrow_back:", on_click=st.query_params.clear
    )


def select_creator(page: PageContext, asks: str, asked: str) -> Creator | None:
    """Whose page it is: the creator in the address (`?asks=asked`), or the first one; None, and
    told, without any.

    Raises NotFound for a creator who is not theirs.
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
