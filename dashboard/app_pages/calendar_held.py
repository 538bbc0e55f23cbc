"""All posts of a creator that wait for a decision: what would become of each is shown first, then done at once."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_filters, calendar_left
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import GreenroomError
from foundation.words import Message
from schedules import deciding
from schedules.deciding import How
from tenants.reads import Creator
from tenants.roles import Right


def show(page: Page) -> None:
    """Draw the page: a part for each creator of whom anything waits."""
    calendar_filters.way_back(page)
    st.subheader(page.word("held.title"))
    acting.say_told(page, "held")
    drawn = [one for one in page.read(page.mine) if part(page, one)]
    if not drawn:
        draw("calendar_note.html", note=page.word("held.nothing"))


def part(page: Page, creator: Creator) -> bool:
    """What waits of one creator, and the word about all of it; whether anything does."""
    try:
        waiting = page.read(lambda scope: deciding.preview(scope, creator.id, How.DROP))
    except GreenroomError as wrong:
        draw("calendar_note.html", note=page.voice.say(wrong.message))
        return True
    if not waiting.moving:
        return False
    with st.container(border=True):
        chosen = st.radio(
            page.label("held.of", name=creator.name, count=len(waiting.moving)),
            list(How),
            format_func=lambda one: page.word(f"held.{one}"),
            key=f"held:how:{creator.id}",
        )
        how = chosen or How.NOW
        shown = page.read(lambda scope: deciding.preview(scope, creator.id, how))
        draw("calendar_held_all.html", found=shown, how=how, voice=page.voice, word=page.word)
        act = partial(_decide, page, creator.id, how, shown.versions)
        key, code = f"held:go:{creator.id}:{how}", f"held.go_{how}"
        acting.button(page, code, act, right=Right.RUN, key=key, kind="primary", disabled=not shown.moving)
    return True


def _decide(page: Page, creator_id: UUID, how: How, seen: Mapping[UUID, int], scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    done = deciding.decide(scope, creator_id, how, seen=seen)
    told = Message(f"held.done_{how}", {"count": len(done.moving), "left": len(done.left)})
    return calendar_left.said(page, scope, told, done.left)
