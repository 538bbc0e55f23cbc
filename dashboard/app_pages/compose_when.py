"""When a post leaves: the queue of each account as one more choice, what speaks against a time, how important it is."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.app_pages import calendar_near
from dashboard.app_pages.compose_draft import CLOCK, DAY, LATE, PRIORITY, typed
from dashboard.frame import Page
from dashboard.reads.queue import before, first_slots, warnings
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import drafting, queueing
from schedules.calendar import WallTime, check_reach, local_wall
from schedules.drafting import Draft
from schedules.lateness import Late
from schedules.planning import LAST_PRIORITY
from schedules.planning import PRIORITY as NORMAL

SLOT = "slot"
IMPORTANCES = range(1, LAST_PRIORITY + 1)
"""What people choose from."""


def queued(page: Page, written: Draft) -> str:
    """When it would leave by the queue, the first of its accounts; "" where none of them has a slot."""
    found = page.read(lambda scope: first_slots(scope, written.channels))
    if not found:
        return ""
    at = min(found.values(), key=WallTime.instant)
    return f"{page.voice.short_day(at.day)} {at.clock:%H:%M}"


def warn(page: Page, written: Draft, at: WallTime | None) -> None:
    """What speaks against the time it would leave, once that can be read: typed, proposed or at once."""
    if at is None:
        return
    there, when = written.channels, at.instant()
    nears, troubles = page.read(lambda scope: (warnings(scope, there, when), before(scope, there, when)))
    for near in nears:
        draw("calendar_note.html", note=calendar_near.said(page, near))
    for trouble in troubles:
        if written.empty or trouble.code != "delivery.stopped":  # a stop is said where each account's post is shown
            draw("calendar_note.html", note=page.voice.say(trouble))


def typed_time(day: str, clock: str, zone: str, now: datetime) -> WallTime:
    """The time that was typed. Raises BadInput for what nobody can read, and for one that has passed."""
    at = WallTime(day_of(day), time_of(clock), zone)
    if at.instant() < now:
        raise BadInput("compose.past")
    return at


def judge(page: Page, zone: str, now: datetime, *, repeating: bool) -> None:
    """Beside the fields of a time, what is wrong with it, as the press would say; and that it is one no clock shows."""
    try:
        at = typed_time(typed(DAY), typed(CLOCK), zone, now)
        if not repeating:  # a series has a rule of its own for how far ahead
            check_reach(at.instant(), now)
    except BadInput as wrong:
        draw("calendar_note.html", note=page.voice.say(wrong.message))
        return
    if at.moved_by_gap:
        shown = local_wall(at.instant(), zone)
        said = {"day": f"{at.day:%d/%m/%Y}", "clock": f"{at.clock:%H:%M}", "leaves": f"{shown.clock:%H:%M}"}
        draw("calendar_note.html", note=page.word("compose.gap", **said))


def importance(page: Page) -> None:
    """How important it is among what leaves an account at once."""
    st.session_state.setdefault(PRIORITY, NORMAL)
    st.selectbox(
        page.word("compose.priority"),
        IMPORTANCES,
        format_func=partial(degree, page),
        key=PRIORITY,
        width=220,
    )


def lateness(page: Page) -> None:
    """How late it may still leave by itself."""
    st.session_state.setdefault(LATE, str(Late.HALF_AN_HOUR))
    st.selectbox(
        page.word("compose.late"), list(map(str, Late)), format_func=partial(allowed, page), key=LATE, width=280
    )


def allowed(page: Page, one: str) -> str:
    """How a lateness is called."""
    return page.word(f"compose.late.{one}")


def degree(page: Page, one: int) -> str:
    """How an importance is called."""
    return page.word(f"compose.priority.{one}") if one in (1, NORMAL, LAST_PRIORITY) else str(one)


def chosen() -> int:
    """The importance that is chosen."""
    return int(typed(PRIORITY) or NORMAL)


def plan(scope: Scope, written: Draft, *, key: UUID, author: str, priority: int, made: list[UUID]) -> Message:
    """Write it once and add it to the queue of each account; what to tell the person."""
    post_id, times = queueing.plan(scope, written, key=key, author=author, priority=priority)
    left = drafting.settle(scope, post_id)
    made.append(post_id)
    at = min(times.values(), key=WallTime.instant)
    when = {"day": f"{at.day:%d/%m/%Y}", "clock": f"{at.clock:%H:%M}"}
    if left:
        return Message("compose.planned", when)
    waiting = drafting.approvers(scope, post_id)
    if not waiting:
        return Message("compose.waits_nobody", when)
    return Message("compose.waits", {**when, "who": ", ".join(waiting)})
