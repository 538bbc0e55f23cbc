"""A post that has not left, on its own page, as the feed of each of its accounts will show it."""

import streamlit as st

from dashboard import files
from dashboard.frame import Page
from dashboard.reads.compose import look
from dashboard.reads.posts import Opened
from dashboard.widgets import draw
from schedules.standing import stands


def show(page: Page, found: Opened) -> None:
    """Draw each account's form of it, side by side where there is room."""
    shown = page.read(lambda scope: look(scope, found.post, list(found.said)))
    with (
        st.expander(page.word("calendar.look"), icon=":material/preview:", expanded=True),
        st.container(horizontal=True, gap="small"),
    ):
        for one in shown:
            seen = {
                asset: (files.src(asset, "preview"), medium.alt)
                for asset, medium in zip(one.said.assets, one.all_media, strict=False)
            }
            with st.container(width=370):
                laid = stands(one, seen)
                draw("calendar_look.html", one=one, stands=laid, voice=page.voice, word=page.word)
