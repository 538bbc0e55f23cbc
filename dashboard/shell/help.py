"""The help button of every page: what the page is for, its main tasks, and its documentation."""

from collections.abc import Mapping
from functools import partial

import streamlit as st

from dashboard.shell import session
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template

DOCUMENTS: Mapping[str, str] = {
    "home": "guides/first-post",
    "calendar": "guides/first-post",
    "studio": "comfyui",
    "approvals": "gate",
    "inbox": "guides/first-bot",
    "shop": "guides/first-sale",
    "insights": "guides/analytics",
    "reports": "guides/reports",
    "people": "gate",
    "creators": "guides/creators",
    "persona": "guides/first-bot",
    "channels": "connectors",
    "team": "guides/deployment",
    "settings": "settings",
    "system": "command-line",
    "notifications": "guides/notifications",
    "tour": "guides/first-post",
    "start": "guides/first-post",
}
"""The document of each page, as an address below the documentation site."""


def document_url(name: str, site: str) -> str:
    """Return the URL of the document of a page on a documentation site, or "" if the installation
    names no site."""
    return f"{site.rstrip('/')}/{DOCUMENTS[name]}/" if site else ""


def render_help_button(page: PageContext, name: str) -> None:
    """Draw the button that opens the help of a page (its name in the menu). Call it in a fragment,
    so that opening the dialog does not redraw the page."""
    if st.button(page.text("help.open"), icon=":material/help:", key="help:open"):
        title = page.text(f"dashboard.page.{name}")
        st.dialog(title, width="medium")(partial(_render_dialog, page, name))()


def _render_dialog(page: PageContext, name: str) -> None:
    draw_template(
        "shell/templates/help.html",
        lines=page.text(f"help.page.{name}").splitlines(),
        url=document_url(name, session.dashboard_settings().docs_url),
        voice=page.localizer,
        word=page.text,
    )
