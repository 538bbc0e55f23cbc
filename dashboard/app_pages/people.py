"""People: who may be shown, what is proven and allowed of each, what is missing and how to mend it."""

import streamlit as st

from dashboard import acting
from dashboard.app_pages import (
    people_cards,
    people_code,
    people_invented,
    people_list,
    people_never,
    people_pictures,
)
from dashboard.frame import Page
from dashboard.reads import people as reads
from dashboard.reads.approvals import given
from dashboard.widgets import draw
from tenants.reads import Creator
from tenants.roles import Right

PART = "people:part"
PARTS = {
    "everybody": people_list.show,
    "pictures": people_pictures.show,
    "cards": people_cards.show,
    "never": people_never.show,
}


def show(page: Page) -> None:
    """Draw the part that was chosen; who only reviews sees what waits for them, a creator what was said of them."""
    draw("people_style.html")
    st.title(page.word("dashboard.page.people"))
    people_code.show(page)
    if page.may(Right.RUN):
        PARTS[_part(page)](page)
    elif page.may(Right.REVIEW):
        _given(page)
    else:
        people_list.own(page)


def _part(page: Page) -> str:
    chosen = st.segmented_control(
        page.word("people.what"),
        list(PARTS),
        format_func=lambda one: page.word(f"people.part.{one}"),
        default="everybody",
        key=PART,
        required=True,
        label_visibility="collapsed",
    )
    return str(chosen or "everybody")


def _given(page: Page) -> None:
    """What waits for the eyes of who was given some creators."""
    creators: list[Creator] = page.read(lambda scope: given(page.who.member, page.mine(scope), works=False))
    found = page.read(lambda scope: reads.people(scope, creators, named="", only=[one.id for one in creators]))
    waits = [one for one in found.dossiers if people_invented.waits(page, one)]
    for one in waits:
        with st.container(border=True):
            draw("people_name.html", one=one, word=page.word)
            people_invented.look(page, one)
    shown = people_pictures.draw_waiting(page, creators)
    if not waits and not shown:
        draw("people_calm.html", said=page.word("people.nothing_waits"))


def typed(key: str) -> str:
    """What stands in a text field, without spaces around."""
    return str(acting.typed(key) or "").strip()
