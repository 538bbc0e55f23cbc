"""The calendar in lanes: one for each creator or account, so that gaps and what lies too near are seen."""

from typing import cast

from dashboard.frame import Page
from dashboard.reads.calendar import Wanted
from dashboard.reads.lanes import By, lanes
from dashboard.widgets import draw
from tenants.roles import Right


def show(page: Page, wanted: Wanted, by: str) -> None:
    """Draw the lanes of these days, as one piece of HTML: a part for each of a hundred lanes would be slow to press."""
    found = page.read(lambda scope: lanes(scope, page.mine(scope), wanted, cast(By, by)))
    draw("calendar_lanes.html", found=found, held=page.may(Right.RUN), voice=page.voice, word=page.word)
    if not found.ever:
        draw("calendar_empty.html", code="calendar.empty", word=page.word)
    if found.cut:
        draw("calendar_note.html", note=page.word("calendar.cut"))
    draw("calendar_foot.html", now=found.now, voice=page.voice, word=page.word)
