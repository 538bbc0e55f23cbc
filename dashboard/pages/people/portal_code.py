"""A code that opens somebody's own page on their own phone: made when it is asked for, shown
once."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, qr_data_uri
from foundation.db.database import Scope
from foundation.ops import settings
from gate.consent import subject_portal
from tenants.agencies.rights import Right

CODE = "people:code"
"""Whose code is shown, and the link in it."""


def render_code_button(page: PageContext, person_id: UUID, name: str, *, key: str) -> None:
    """The button that makes the code."""
    label = page.markdown("cards.code", name=name)
    st.button(
        label,
        key=key,
        on_click=_handle_code_press,
        args=(person_id, name, key),
        icon=":material/qr_code_2:",
    )


def _handle_code_press(person_id: UUID, name: str, key: str) -> None:
    """Make a link to their own page, for their own phone; it is kept for this one look."""
    made: list[str] = []
    actions.run_action(partial(_create_portal_link, person_id, made), Right.RUN, key)
    if made:
        st.session_state[CODE] = (name, made[0])


def _create_portal_link(person_id: UUID, made: list[str], scope: Scope, _: UUID) -> None:
    base = settings.load_settings().web.public_url.rstrip("/")
    made.append(
        f"{base}{subject_portal.PORTAL_PATH}{subject_portal.create_portal_link(scope, person_id)}"
    )


def render_code(page: PageContext) -> None:
    """Draw the code that was made, until it is put away."""
    if CODE not in st.session_state:
        return
    name, link = st.session_state[CODE]
    with st.container(border=True):
        draw_template(
            "pages/people/templates/portal_code.html",
            name=name,
            link=link,
            picture=qr_data_uri(link),
            word=page.text,
        )
        st.button(
            page.text("cards.put_away"),
            key="cards:put_away",
            on_click=partial(st.session_state.pop, CODE, None),
        )
