"""Thread parts and the first comment in the composer."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.compose import draft
from dashboard.pages.compose.draft import (
    COMMENT_KEY,
    HAS_COMMENT_KEY,
    PARTS_KEY,
    media_key,
    part_key,
)
from dashboard.shell.page_context import PageContext
from schedules.posts import thread_parts
from schedules.posts.thread_parts import ThreadPart


def render_thread_parts(page: PageContext, slots: dict[str, DeltaGenerator]) -> None:
    """Render the thread parts, the first comment, and the buttons that add them. Add the places for
    the counters to `slots`."""
    ids = draft.part_ids()
    for number, one in enumerate(ids, start=2):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_area(page.text("compose.part", number=number), key=part_key(one), height=90)
            label = page.text("compose.part_away", number=number)
            st.button(
                label,
                key=f"compose:away:{one}",
                type="tertiary",
                on_click=_remove_thread_part,
                args=(one,),
            )
        slots[part_key(one)] = st.container()
    if st.session_state.get(HAS_COMMENT_KEY):
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            st.text_area(page.text("compose.comment"), key=COMMENT_KEY, height=70)
            st.button(
                page.text("compose.comment_away"),
                key="compose:uncomment",
                type="tertiary",
                on_click=_remove_first_comment,
            )
        slots[COMMENT_KEY] = st.container()
    with st.container(horizontal=True, gap="small"):
        full = (
            len(ids) + 1 + bool(st.session_state.get(HAS_COMMENT_KEY))
            >= thread_parts.MAX_THREAD_PARTS
        )
        st.button(
            page.text("compose.part_more"),
            key="compose:part_more",
            on_click=_add_thread_part,
            disabled=full,
        )
        if not st.session_state.get(HAS_COMMENT_KEY):
            st.button(
                page.text("compose.comment_more"),
                key="compose:comment_more",
                on_click=_add_first_comment,
                disabled=full,
            )


def _add_thread_part() -> None:
    draft.add_part(ThreadPart(""))


def _add_first_comment() -> None:
    st.session_state[HAS_COMMENT_KEY] = True


def _remove_first_comment() -> None:
    st.session_state.update({HAS_COMMENT_KEY: False, COMMENT_KEY: ""})


def _remove_thread_part(part: str) -> None:
    st.session_state[PARTS_KEY] = [one for one in draft.part_ids() if one != part]
    for name in (part_key(part), media_key(part)):
        st.session_state.pop(name, None)
