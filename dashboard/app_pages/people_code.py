"""A code that opens somebody's own page on their own phone: made when it is asked for, shown once."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw, qr_source
from foundation import settings
from foundation.database import Scope
from gate import mine
from tenants.roles import Right

CODE = "people:code"
"""Whose code is shown, and the link in it."""


def offer(page: Page, person_id: UUID, name: str, *, key: str) -> None:
    """The button that makes the code."""
    label = page.label("cards.code", name=name)
    st.button(label, key=key, on_click=_show, args=(person_id, name, key), icon=":material/qr_code_2:")


def _show(person_id: UUID, name: str, key: str) -> None:
    """Make a link to their own page, for their own phone; it is kept for this one look."""
    made: list[str] = []
    acting.press(partial(_link, person_id, made), Right.RUN, key)
    if made:
        st.session_state[CODE] = (name, made[0])


def _link(person_id: UUID, made: list[str], scope: Scope, _: UUID) -> None:
    base = settings.load().web.public_url.rstrip("/")
    made.append(f"{base}{mine.PATH}{mine.make_link(scope, person_id)}")


def show(page: Page) -> None:
    """Draw the code that was made, until it is put away."""
    if CODE not in st.session_state:
        return
    name, link = st.session_state[CODE]
    with st.container(border=True):
        draw("people_code.html", name=name, link=link, picture=qr_source(link), word=page.word)
        st.button(page.word("cards.put_away"), key="cards:put_away", on_click=partial(st.session_state.pop, CODE, None))
