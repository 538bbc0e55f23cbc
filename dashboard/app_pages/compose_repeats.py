"""What a post that is being written repeats on its accounts: told before it is planned, with a box to say "I know"."""

from uuid import UUID

import streamlit as st

from dashboard.app_pages.compose_draft import KNOWN
from dashboard.frame import Page
from dashboard.reads.compose import connectors
from dashboard.reads.repeats import of_draft
from dashboard.widgets import draw
from foundation.database import Scope
from schedules import repeats
from schedules.calendar import WallTime
from schedules.drafting import Draft

SEEN = f"{KNOWN}seen"


def show(page: Page, written: Draft, at: WallTime | None, *, repeating: bool) -> None:
    """Draw what it repeats; the box is another one for other posts, so that a tick never counts for what came after."""
    found = page.read(lambda scope: of_draft(scope, written, at))
    st.session_state[SEEN] = sorted({str(one.post_id) for one in found.likes if not one.refused})
    if found.likes:
        draw("calendar_repeats.html", likes=found.likes, voice=page.voice, word=page.word)
    if repeating and found.once:
        draw("calendar_note.html", note=page.word("repeats.series_once", accounts=", ".join(found.once)))
    if st.session_state[SEEN]:
        st.checkbox(page.word("repeats.know"), key=_box())


def _box() -> str:
    return KNOWN + ",".join(st.session_state.get(SEEN) or [])


def known() -> frozenset[UUID]:
    """The posts somebody says they know it repeats."""
    seen = st.session_state.get(SEEN) or []
    return frozenset(map(UUID, seen)) if seen and st.session_state.get(_box()) else frozenset()


def keep(scope: Scope, post_id: UUID, seen: frozenset[UUID]) -> None:
    """Keep their word, with the post."""
    if seen:
        repeats.know(scope, post_id, seen=seen, connectors=connectors())
