"""A film or a sound on a page: its player and, where somebody has to look at it, every frame that was looked at."""

from uuid import UUID

import streamlit as st

from dashboard import files, frame
from dashboard.frame import Page
from dashboard.widgets import draw
from studio.playing import Reel

TICK = "1s"
WIDE = 760
"""Pixels of a film that is looked at: two frames beside each other, large enough to be judged."""


def show(page: Page, reel: Reel | None, *, clear: str | None, covered: bool, seen: bool) -> bool:
    """Draw what plays; nothing of a picture, nor of what is blurred and nobody pressed to see (`clear`).

    What comes blurred shows its frames too, and the page is drawn anew once all of them were shown. Whether something
    was drawn.
    """
    if reel is None or (covered and not clear):
        return False
    pressed = UUID(clear) if clear else None
    sheets = [files.src(reel.asset_id, f"sheet-{number}", clear=pressed) for number in range(reel.sheets)]
    draw(
        "film.html",
        reel=reel,
        plays=files.src(reel.asset_id, "post", clear=pressed),
        poster=files.src(reel.asset_id, "preview", clear=pressed),
        sheets=sheets if covered else [],
        left=covered and not seen,
        word=page.word,
    )
    if covered and not seen:
        _watch(page, reel.asset_id)
    return True


@st.fragment(run_every=TICK)
def _watch(drawn: Page, asset_id: UUID) -> None:
    """Once the last frame was shown the page is drawn with its answers."""
    page = frame.look()
    if page is None or page.who != drawn.who or page.read(lambda scope: files.seen(scope, [asset_id])):
        st.rerun()
