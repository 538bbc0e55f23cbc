"""The Streamlit script of all pages: load the member, build the menu, show notices, and draw the
page."""

from functools import partial
from urllib.parse import urlencode

import streamlit as st

from dashboard.pages.compose import unsaved_changes
from dashboard.pages.notifications import bell
from dashboard.pages.search.dialog import render_search_button
from dashboard.shell import actions, forms, page_context, pending_counts, session
from dashboard.shell.browser_components import browser_component
from dashboard.shell.help import render_help_button
from dashboard.shell.navigation import PAGES, PageEntry
from dashboard.shell.page_context import PageContext
from dashboard.shell.page_style import render_page_style
from dashboard.shell.queries import PageHeader, load_page_header
from dashboard.shell.widgets import draw_template
from foundation.errors import GreenroomError
from foundation.i18n.translation import LANGUAGES, Message, render_message
from foundation.ops import telemetry
from foundation.ops.clock import monotonic
from tenants.agencies.rights import Right
from tenants.auth import sessions


def main() -> None:
    """Draw the requested page, or the sign-in hint without a session."""
    st.set_page_config(page_title="Greenroom", page_icon="🌿", layout="wide")
    began = monotonic()
    opened = bell.take_opened_notice()
    found = page_context.current_page_with(partial(load_page_header, opened=opened))
    if found is None:
        page_context.render_signed_out()
        return
    page, standing = found
    with page_context.page_run(page):
        _render_app(page, standing, began)


def _render_app(page: PageContext, standing: PageHeader, began: float) -> None:
    others = sessions.list_linked_agencies(
        session.session_scope_opener(), page.viewer.tenant_id, page.viewer.member.id
    )
    pending_counts.remember_menu(standing.pending)
    chosen = st.navigation(
        _build_menu(page, standing), expanded=True
    )  # collapsed, Streamlit shows "View more" in English
    render_page_style(page, chosen.url_path or "home")
    with st.sidebar:
        languages = [
            (one, render_message(Message("dashboard.language"), one))
            for one in LANGUAGES
            if one != page.localizer.language
        ]
        said = {
            "agency": standing.agency,
            "who": page.viewer.member,
            "others": others,
            "languages": languages,
        }
        said["here"] = "?".join(
            filter(None, (f"/{chosen.url_path}", urlencode(st.query_params.to_dict())))
        )
        # members with the STAFF right change it on the Team page
        said["own_password"] = not page.has_right(Right.STAFF)
        draw_template("shell/templates/sidebar.html", **said, word=page.text)
        browser_component("menu")(key="menu", height="content")
    bell.render_bell(page, standing.unread)
    page_context.render_session_guard(page.viewer)
    _render_header(page, chosen.url_path or "home")
    if standing.stops:
        said = {"holds": standing.stops, "now": standing.now, "leads": page.has_right(Right.RUN)}
        draw_template(
            "shell/templates/emergency_stops.html", **said, voice=page.localizer, word=page.text
        )
    unsaved_changes.save_abandoned_draft(page, chosen.url_path)
    forms.discard_refusals_of_other_pages(chosen.url_path)
    written = (
        st.query_params.get(one, "") for one in ("new", "rework")
    )  # notices about one post are not shown with another
    actions.show_notices(page, "/".join((chosen.url_path, *filter(None, written))))
    started = monotonic()
    chosen.run()
    if undrawn := forms.take_undrawn_refusals():
        for reason in undrawn:
            actions.set_notice(reason, bad=True)
        st.rerun()
    spent = round(1000 * (monotonic() - began)), round(1000 * (monotonic() - started))
    telemetry.get_logger("dashboard").info(
        "dashboard.drawn", page=chosen.url_path or "home", ms=spent[0], page_ms=spent[1]
    )


@st.fragment
def _render_header(page: PageContext, name: str) -> None:
    """Draw the buttons of every page, at the top right of the window."""
    with st.container(key="gr-header", horizontal=True, horizontal_alignment="right", gap="small"):
        render_search_button(page)
        render_help_button(page, name)


def _build_menu(page: PageContext, standing: PageHeader) -> dict[str, list[st.Page]]:
    menu: dict[str, list[st.Page]] = {}
    for row in PAGES:
        if page.has_right(*row.rights) and (standing.agency.demo or not row.demo_only):
            one = st.Page(
                partial(_render_menu_page, row, page),
                title=_menu_title(page, row, standing.pending),
                icon=row.icon,
                url_path=row.name,
                default=row.name == "home",
            )
            menu.setdefault(page.text(f"dashboard.group.{row.group}"), []).append(one)
    return menu


def _menu_title(page: PageContext, row: PageEntry, pending: int) -> str:
    """Return the title of a page; Approvals adds the number of pending items."""
    title = page.text(f"dashboard.page.{row.name}")
    if row.name != "approvals" or not pending:
        return title
    return page.text("approvals.counted", what=title, count=pending)


def _render_menu_page(row: PageEntry, page: PageContext) -> None:
    try:
        row.render(page)
    except GreenroomError as refused:
        st.error(page.localizer.message_text(refused.message))


main()
