"""Many posts at once to other times: what goes where is shown first, and may be taken back for ten minutes."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_held, calendar_left
from dashboard.app_pages.calendar_quiet import Typed, as_previewed, where
from dashboard.frame import Page
from dashboard.reads.queue import Queue
from dashboard.reads.when import day_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import GreenroomError
from foundation.words import Message
from schedules import shifting
from schedules.calendar import bounds
from schedules.shifting import MOST_DAYS, By, Chosen
from tenants.roles import Right

FIRST, LAST, DAYS, HOURS, WHERE = (f"shift:{name}" for name in ("first", "last", "days", "hours", "where"))
MOST_HOURS = 23


def show(page: Page, found: Queue) -> None:
    """The part of the page that moves many posts."""
    if found.last is not None:
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            until = page.voice.clock(found.last.until)
            draw("calendar_note.html", note=page.word("shift.last", count=found.last.count, until=until))
            act = partial(_undo, page, found.last.shift_id, found.creator.id)
            acting.button(page, "shift.undo", act, right=Right.RUN, key=f"shift:undo:{found.last.shift_id}")
    with st.expander(page.word("shift.title"), icon=":material/move_down:"):
        _shift(page, found)
    with st.expander(page.word("held.title"), icon=":material/front_hand:"):
        if not calendar_held.part(page, found.creator):
            draw("calendar_note.html", note=page.word("held.nothing"))


def _shift(page: Page, found: Queue) -> None:
    today = f"{found.today:%d/%m/%Y}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.text_input(page.word("shift.from"), today, key=FIRST, width=150)
        last = st.text_input(page.word("shift.to"), today, key=LAST, width=150)
        days = st.number_input(page.word("shift.days"), -MOST_DAYS, MOST_DAYS, 1, key=DAYS, width=150)
        hours = st.number_input(page.word("shift.hours"), -MOST_HOURS, MOST_HOURS, 0, key=HOURS, width=150)
    channel_id = where(page, found, WHERE)
    by = By(int(days), int(hours) * 60)
    try:
        zone = found.creator.zone
        start, end = bounds(day_of(first), zone)[0], bounds(day_of(last), zone)[1]
        chosen = Chosen(found.creator.id, channel_id, max(start, found.now), end)
        shown = page.read(lambda scope: shifting.preview(scope, chosen, by))
    except GreenroomError as wrong:
        draw("calendar_note.html", note=page.voice.say(wrong.message))
        return
    names = found.names if channel_id is None else {}
    draw("queue_preview.html", found=shown, names=names, voice=page.voice, word=page.word)
    act = partial(as_previewed, _typed(), _typed, partial(_move, page, chosen, by, shown.versions))
    acting.button(page, "shift.go", act, right=Right.RUN, key="shift:go", kind="primary", disabled=not shown.moving)


def _typed() -> Typed:
    return tuple(map(acting.typed, (FIRST, LAST, DAYS, HOURS, WHERE)))


def _move(page: Page, chosen: Chosen, by: By, seen: Mapping[UUID, int], scope: Scope, _: UUID) -> Message:
    page.my(scope, chosen.creator_id)
    done = shifting.shift(scope, chosen, by, seen=seen)
    told = Message("shift.done_left", {"count": len(done.moved), "left": len(done.left)})
    return calendar_left.said(page, scope, told, done.left)


def _undo(page: Page, shift_id: UUID, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    back = shifting.undo(scope, shift_id)
    told = Message("shift.undone_now", {"count": len(back.moving), "left": len(back.left)})
    return calendar_left.said(page, scope, told, back.left)
