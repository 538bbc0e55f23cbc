"""The search button of every page and its dialog."""

import streamlit as st

from dashboard.pages.search.queries import search_everything
from dashboard.shell import page_context
from dashboard.shell.actions import typed_value
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.i18n.search_words import MAX_SEARCH_LENGTH

SHORTCUT = "Ctrl+K"
WORDS = "search:words"


def render_search_button(page: PageContext) -> None:
    """Draw the button. Call it in a fragment, so that opening the dialog does not redraw the
    page."""
    if st.button(
        page.text("search.open"), key="search:open", icon=":material/search:", shortcut=SHORTCUT
    ):
        st.dialog(page.text("search.title"), width="medium")(_render_dialog)()


def _render_dialog() -> None:
    page = page_context.current_page()
    if page is None:
        st.rerun()
    st.text_input(
        page.text("search.title"),
        key=WORDS,
        type="search",
        max_chars=MAX_SEARCH_LENGTH,
        placeholder=page.text("search.placeholder"),
        label_visibility="collapsed",
        live=True,
    )
    browser_component("focus")(key="search:focus", height="content")
    typed = str(typed_value(WORDS) or "")
    found = page.read(lambda scope: search_everything(scope, page, typed))
    draw_template(
        "pages/search/templates/results.html", found=found, voice=page.localizer, word=page.text
    )
