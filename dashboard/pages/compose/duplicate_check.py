"""Duplicate check in the composer: earlier posts that the draft repeats, with a checkbox that
accepts them."""

from uuid import UUID

import streamlit as st

from dashboard.pages.compose.draft import ACKNOWLEDGED_PREFIX
from dashboard.pages.posts.duplicate_queries import load_draft_duplicates
from dashboard.shell.page_context import PageContext
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.ops.wall_time import WallTime
from schedules.drafts import duplicates
from schedules.drafts.drafts import Draft

SEEN = f"{ACKNOWLEDGED_PREFIX}seen"


def render_duplicate_check(
    page: PageContext, written: Draft, at: WallTime | None, *, repeating: bool
) -> None:
    """Render the duplicates of the draft. The key of the checkbox contains the duplicates, so that
    the acceptance of these does not cover later ones."""
    found = page.read(lambda scope: load_draft_duplicates(scope, written, at))
    st.session_state[SEEN] = sorted({str(one.post_id) for one in found.likes if not one.refused})
    if found.likes:
        draw_template(
            "pages/posts/templates/duplicates.html",
            likes=found.likes,
            voice=page.localizer,
            word=page.text,
        )
    if repeating and found.once:
        draw_template(
            "shell/templates/note.html",
            note=page.text("repeats.series_once", accounts=", ".join(found.once)),
        )
    if st.session_state[SEEN]:
        st.checkbox(page.text("repeats.know"), key=_acknowledgement_key())


def _acknowledgement_key() -> str:
    return ACKNOWLEDGED_PREFIX + ",".join(st.session_state.get(SEEN) or [])


def acknowledged_posts() -> frozenset[UUID]:
    """Return the duplicates that the user has accepted."""
    seen = st.session_state.get(SEEN) or []
    return (
        frozenset(map(UUID, seen))
        if seen and st.session_state.get(_acknowledgement_key())
        else frozenset()
    )


def store_acknowledgement(scope: Scope, post_id: UUID, seen: frozenset[UUID]) -> None:
    """Store the accepted duplicates with the post."""
    if seen:
        duplicates.acknowledge_duplicates(
            scope, post_id, seen=seen, connectors=platform_connectors()
        )
