"""Draw the page Persona: autonomy, the form beside a test chat, card import, and versions."""

from uuid import UUID

import streamlit as st

from dashboard.pages.persona import autonomy_panel, card_import, form, trial_panel, version_list
from dashboard.pages.persona.queries import load_persona
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

CREATOR = "persona:creator"


def render_page(page: PageContext) -> None:
    """Draw the page of the selected creator."""
    st.title(page.text("dashboard.page.persona"))
    creators = page.read(page.list_creators)
    if not creators:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    creator = _select_creator(page, creators)
    found = page.read(
        lambda scope: load_persona(
            scope, page.get_creator(scope, creator.id), page.viewer.member.id
        )
    )
    autonomy_panel.render_autonomy(page, found)
    if page.has_right(Right.RUN):
        left, right = st.columns([1.3, 1], gap="large")
        with left:
            card_import.render_import_result(page, found)
            form.render_form(page, found)
        with right:
            trial_panel.render_test_chat(page, found)
            card_import.render_upload(page, found)
    version_list.render_versions(page, found)


def _select_creator(page: PageContext, creators: list[Creator]) -> Creator:
    """Draw the creator selector, unless there is only one creator."""
    if len(creators) == 1:
        return creators[0]
    names = {one.id: one.name for one in creators}
    chosen: UUID = st.selectbox(
        page.text("persona.creator"),
        list(names),
        format_func=lambda one: names[one],
        key=CREATOR,
    )
    return next(one for one in creators if one.id == chosen)
