"""A film or a sound on a page: its player and, where somebody has to look at it, every frame that
was looked at."""

from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from studio.library.playback import Playback

TICK = "1s"
PLAYER_WIDTH = 760
"""Pixels of a film that is looked at: two frames beside each other, large enough to be judged."""


def render_player(
    page: PageContext, reel: Playback | None, *, clear: str | None, covered: bool, seen: bool
) -> bool:
    """Draw what plays; nothing of a picture, nor of what is blurred and nobody pressed to see
    (`clear`).

    What comes blurred shows its frames too, and the page is drawn anew once all of them were shown.
    Whether something was drawn.
    """
    if reel is None or (covered and not clear):
        return False
    pressed = UUID(clear) if clear else None
    sheets = [
        library_files.picture_url(reel.asset_id, f"sheet-{number}", clear=pressed)
        for number in range(reel.sheets)
    ]
    draw_template(
        "media/templates/player.html",
        reel=reel,
        plays=library_files.picture_url(reel.asset_id, "post", clear=pressed),
        poster=library_files.picture_url(reel.asset_id, "preview", clear=pressed),
        sheets=sheets if covered else [],
        left=covered and not seen,
        word=page.text,
    )
    if covered and not seen:
        _rerun_after_playback(page, reel.asset_id)
    return True


@st.fragment(run_every=TICK)
def _rerun_after_playback(drawn: PageContext, asset_id: UUID) -> None:
    """Once the last frame was shown the page is drawn with its answers."""
    page = page_context.current_page()
    if (
        page is None
        or page.viewer != drawn.viewer
        or page.read(lambda scope: library_files.list_revealed(scope, [asset_id]))
    ):
        st.rerun()
