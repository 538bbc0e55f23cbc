"""The player of videos and audio, with the frames that a reviewer must view."""

from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from studio.library.playback import Playback

TICK = "1s"
PLAYER_WIDTH = 760
"""Width of a video in pixels: two frames side by side, large enough to judge."""


def render_player(
    page: PageContext, reel: Playback | None, *, clear: str | None, covered: bool, seen: bool
) -> bool:
    """Draw the player and return True, or return False for pictures and for blurred media that was
    not revealed.

    `clear` is the ID from `reveal_picture`. Media that is normally blurred (`covered`) also shows
    its frames, and the page is redrawn when all of them were shown.
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
    """Redraw the page, with its decision buttons, when the last frame was shown."""
    page = page_context.current_page()
    if (
        page is None
        or page.viewer != drawn.viewer
        or page.read(lambda scope: library_files.list_revealed(scope, [asset_id]))
    ):
        st.rerun()
