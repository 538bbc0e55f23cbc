"""What can be done with a post that stands on an account, or may: take it away, or post it there once more."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import zones
from dashboard.frame import Page
from dashboard.reads.compose import connectors
from dashboard.reads.places import Place
from dashboard.reads.posts import Opened
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import anew, removal
from schedules.calendar import WallTime, local_wall
from schedules.reads import Entry
from schedules.states import DeliveryState
from tenants.roles import Right

S = DeliveryState
TAKEN_AWAY = frozenset({S.PUBLISHED, S.UNCERTAIN, S.BROKEN_OFF})
"""States of what stands outside, or may, and is not on its way there or back."""

LATER = timedelta(days=1)
"""When it is posted once more, where nobody says another time."""


def acts(page: Page, found: Opened, place: Place) -> None:
    """Draw the buttons of one account, each with its question."""
    entry = place.entry
    key = f"{entry.delivery_id}:{entry.version}"
    if entry.state in anew.POSTED:
        _once_more(page, found, place, key)
    if entry.state in TAKEN_AWAY and not (entry.ends_at is not None and entry.ends_at <= found.now):
        several = entry.parts > 1
        with st.popover(page.word("calendar.take_away" if several else "outside.take_away")):
            asked = "calendar.take_away_asked" if several else f"outside.take_away_{entry.state}"
            draw("calendar_note.html", note=page.word(asked, count=entry.done, account=entry.channel))
            if found.comes_back:
                draw("calendar_note.html", note=page.word("outside.comes_back"))
            act = partial(_take_away, page, found.creator.id, entry.delivery_id)
            sure = "calendar.take_away_sure" if several else "outside.take_away_sure"
            acting.button(page, sure, act, right=Right.RUN, key=f"away:{key}")


def _once_more(page: Page, found: Opened, place: Place, key: str) -> None:
    entry, zone = place.entry, place.entry.zone
    at = local_wall(found.now + LATER, zone)
    with st.popover(page.word("outside.once_more")):
        note = page.word("outside.once_more_asked", account=entry.channel, place=page.voice.place(zone))
        draw("calendar_note.html", note=note)
        day, clock = f"more:day:{entry.delivery_id}", f"more:clock:{entry.delivery_id}"
        st.text_input(page.word("compose.day"), f"{at.day:%d/%m/%Y}", key=day)
        st.text_input(page.word("compose.clock"), f"{at.clock:%H:%M}", key=clock)
        act = partial(_posted_again, page, found.creator.id, entry)
        acting.button(page, "outside.once_more_sure", act, right=Right.RUN, key=f"more:{key}")


def _take_away(page: Page, creator_id: UUID, delivery_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    removal.ask(scope, delivery_id)
    return Message("calendar.taken_away")


def _posted_again(page: Page, creator_id: UUID, entry: Entry, scope: Scope, _: UUID) -> Message:
    creator, delivery_id = page.my(scope, creator_id), entry.delivery_id
    day, clock = acting.typed(f"more:day:{delivery_id}"), acting.typed(f"more:clock:{delivery_id}")
    at = WallTime(day_of(str(day)), time_of(str(clock)), entry.zone)
    anew.once_more(scope, delivery_id, at=at, connectors=connectors())
    return Message(
        "outside.once_more_done", {"day": f"{at.day:%d/%m/%Y}", "clock": zones.clock(page, at, creator.zone)}
    )
