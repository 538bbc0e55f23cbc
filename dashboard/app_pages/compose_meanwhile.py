"""What was saved in a planned post while somebody changed it: shown beside the press that saves, never lost unseen."""

from uuid import UUID

import streamlit as st

from dashboard.app_pages.compose_draft import SEEN
from dashboard.frame import Page
from dashboard.widgets import draw
from schedules.drafting import Draft


def show(page: Page, post_id: UUID, now: Draft) -> bool:
    """Draw what the post says `now` where that is no longer what it said when it was opened; whether it is not."""
    if now.content == st.session_state[SEEN]:
        return False
    draw("compose_meanwhile.html", now=now, post_id=post_id, word=page.word)
    return True
