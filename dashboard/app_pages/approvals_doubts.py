"""Posts that are possibly outside: nobody could find out, so a person looks at the account and says."""

import streamlit as st

from dashboard.app_pages import doubt_card
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals
from dashboard.widgets import draw


def show(page: Page, found: Approvals) -> None:
    """Draw each with the three answers."""
    draw("approvals_note.html", note=page.word("approvals.doubts_how"))
    if not found.doubts:
        draw("approvals_note.html", note=page.word("approvals.no_doubts"))
    for entry in found.doubts:
        with st.container(border=True, gap="small"):
            draw(
                "approvals_doubt.html",
                entry=entry,
                creator=found.creators[entry.creator_id].name,
                now=found.now,
                voice=page.voice,
                word=page.word,
            )
            doubt_card.show(page, found.told[entry.delivery_id], found.now)
    draw("approvals_inbox.html", word=page.word)
