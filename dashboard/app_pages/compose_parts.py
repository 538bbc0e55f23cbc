"""What follows a post that is being written: further parts of a thread, and its first comment."""

import streamlit as st

from dashboard.app_pages import compose_draft
from dashboard.app_pages.compose_draft import COMMENT, COMMENTED, PARTS, media_key, part_key
from dashboard.frame import Page
from schedules import threads
from schedules.threads import Piece


def show(page: Page) -> None:
    """Draw a field for each further part and for the first comment, and the presses that add one."""
    ids = compose_draft.part_ids()
    for number, one in enumerate(ids, start=2):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_area(page.word("compose.part", number=number), key=part_key(one), height=90)
            label = page.word("compose.part_away", number=number)
            st.button(label, key=f"compose:away:{one}", type="tertiary", on_click=_away, args=(one,))
    if st.session_state.get(COMMENTED):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_area(page.word("compose.comment"), key=COMMENT, height=70)
            st.button(page.word("compose.comment_away"), key="compose:uncomment", type="tertiary", on_click=_uncomment)
    with st.container(horizontal=True, gap="small"):
        full = len(ids) + 1 + bool(st.session_state.get(COMMENTED)) >= threads.MOST_PARTS
        st.button(page.word("compose.part_more"), key="compose:part_more", on_click=_more, disabled=full)
        if not st.session_state.get(COMMENTED):
            st.button(page.word("compose.comment_more"), key="compose:comment_more", on_click=_comment, disabled=full)


def _more() -> None:
    compose_draft.add_part(Piece(""))


def _comment() -> None:
    st.session_state[COMMENTED] = True


def _uncomment() -> None:
    st.session_state.update({COMMENTED: False, COMMENT: ""})


def _away(part: str) -> None:
    st.session_state[PARTS] = [one for one in compose_draft.part_ids() if one != part]
    for name in (part_key(part), media_key(part)):
        st.session_state.pop(name, None)
