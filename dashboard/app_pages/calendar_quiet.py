"""Quiet periods and pauses of an account or of all of a creator's: kept, announced, ended."""

from collections.abc import Callable
from datetime import date
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.acting import Act
from dashboard.app_pages import calendar_left
from dashboard.frame import Page
from dashboard.reads.queue import Queue, pauses
from dashboard.reads.when import day_of, time_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Conflict, GreenroomError
from foundation.words import Message
from schedules import pausing, quiet
from schedules.pausing import Pause
from schedules.quiet import Quiet
from tenants.reads import Creator
from tenants.roles import Right

HERE, ALL = "here", "all"
LABEL, FIRST, LAST, WHERE = (f"quiet:{name}" for name in ("label", "first", "last", "where"))
WEEKDAY, START, END, NIGHT = (f"quiet:{name}" for name in ("weekday", "start", "end", "night"))
P_WORDS, P_FIRST, P_LAST, P_WHERE = (f"pause:{name}" for name in ("words", "first", "last", "where"))
EVERY_DAY = 7

Typed = tuple[object, ...]
"""What stands in the inputs that a preview was made of."""


def banner(page: Page, creators: list[Creator], first: date, last: date) -> None:
    """The days that are kept free among those shown, above them."""
    found = page.read(lambda scope: pauses(scope, creators, first, last))
    draw("queue_banner.html", found=found, several=len(creators) > 1, voice=page.voice, word=page.word)


def where(page: Page, found: Queue, key: str) -> UUID | None:
    """Where something holds: on this account, or on all of hers (None)."""
    names = {HERE: found.channel.name, ALL: page.word("queue.all_of", name=found.creator.name)}
    chosen = st.radio(
        page.word("queue.where"), list(names), format_func=lambda one: names[one], key=key, horizontal=True
    )
    return found.channel.id if chosen == HERE else None


def show(page: Page, found: Queue) -> None:
    """The periods that hold for this account, and the forms of new ones."""
    kept = [one for one in found.quiet if one.shift_id is None and not one.country]
    with st.expander(page.word("quiet.title", count=len(kept))):
        draw("calendar_note.html", note=page.word("quiet.why"))
        for one in kept:
            _kept(page, one)
        _days(page, found)
        _night(page, found)
    paused = [one for one in found.quiet if one.shift_id is not None]
    with st.expander(page.word("pause.title"), expanded=bool(paused), icon=":material/beach_access:"):
        for one in paused:
            _paused(page, found, one)
        _pause(page, found)


def _kept(page: Page, one: Quiet) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"quiet:{one.id}"):
        draw("queue_quiet.html", one=one, voice=page.voice, word=page.word)
        act = partial(_forget, page, one)
        acting.button(page, "quiet.forget", act, right=Right.RUN, key=f"quiet:forget:{one.id}", kind="tertiary")


def _forget(page: Page, one: Quiet, scope: Scope, _: UUID) -> Message:
    page.my(scope, quiet.period(scope, one.id).creator_id)
    quiet.forget(scope, one.id)
    return Message("quiet.forgotten")


def _days(page: Page, found: Queue) -> None:
    today = f"{found.today:%d/%m/%Y}"
    with st.form("quiet:days"):
        st.text_input(page.word("quiet.label"), key=LABEL, max_chars=80)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.text_input(page.word("quiet.first"), today, key=FIRST, width=150)
            st.text_input(page.word("quiet.last"), today, key=LAST, width=150)
            acting.submit(page, "quiet.keep_days", partial(_keep_days, page, found), right=Right.RUN, key="quiet:keep")
        where(page, found, WHERE)


def _scope_of(found: Queue, key: str) -> UUID | None:
    return None if acting.typed(key) == ALL else found.channel.id


def _keep_days(page: Page, found: Queue, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, found.creator.id)
    first, last = (day_of(str(acting.typed(key) or "")) for key in (FIRST, LAST))
    label = str(acting.typed(LABEL) or "") or page.word("quiet.holiday")
    channel_id = _scope_of(found, WHERE)
    quiet.keep_days(scope, creator.id, channel_id, label=label, zone=creator.zone, first=first, last=last)
    return Message("quiet.kept")


def _night(page: Page, found: Queue) -> None:
    with st.form("quiet:hours"):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                page.word("quiet.on"),
                [EVERY_DAY, *range(7)],
                format_func=lambda day: page.word("quiet.every_day" if day == EVERY_DAY else f"queue.day.{day}"),
                key=WEEKDAY,
                width=170,
            )
            st.text_input(page.word("quiet.start"), "22:00", key=START, width=110)
            st.text_input(page.word("quiet.end"), "08:00", key=END, width=110)
            acting.submit(page, "quiet.keep_hours", partial(_keep_hours, page, found), right=Right.RUN, key="quiet:go")
        where(page, found, NIGHT)


def _keep_hours(page: Page, found: Queue, scope: Scope, _: UUID) -> Message:
    creator = page.my(scope, found.creator.id)
    day = acting.typed(WEEKDAY)
    start, end = (time_of(str(acting.typed(key) or "")) for key in (START, END))
    quiet.keep_hours(
        scope,
        creator.id,
        _scope_of(found, NIGHT),
        label=page.word("quiet.hours"),
        zone=creator.zone,
        weekday=None if day in (None, EVERY_DAY) else int(day),
        start=start,
        end=end,
    )
    return Message("quiet.kept")


def _paused(page: Page, found: Queue, one: Quiet) -> None:
    begun = found.now >= one.window[0]
    code, act = ("pause.come_back", _come_back) if begun else ("pause.call_off", _call_off)
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"paused:{one.id}"):
        draw("queue_quiet.html", one=one, voice=page.voice, word=page.word)
        acting.button(page, code, partial(act, page, one), right=Right.RUN, key=f"pause:end:{one.id}")


def _come_back(page: Page, one: Quiet, scope: Scope, _: UUID) -> Message:
    page.my(scope, quiet.period(scope, one.id).creator_id)
    pausing.come_back(scope, one.id)
    return Message("pause.came_back")


def _call_off(page: Page, one: Quiet, scope: Scope, _: UUID) -> Message:
    page.my(scope, quiet.period(scope, one.id).creator_id)
    back = pausing.call_off(scope, one.id)
    told = Message("pause.called_off", {"count": len(back.moving), "left": len(back.left)})
    return calendar_left.said(page, scope, told, back.left)


def _pause(page: Page, found: Queue) -> None:
    """A new pause: what goes where is shown as soon as its days are readable."""
    today = f"{found.today:%d/%m/%Y}"
    st.text_input(page.word("pause.words"), key=P_WORDS, max_chars=160, placeholder=page.word("pause.words_hint"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        first = st.text_input(page.word("quiet.first"), today, key=P_FIRST, width=150)
        last = st.text_input(page.word("quiet.last"), today, key=P_LAST, width=150)
    channel_id = where(page, found, P_WHERE)
    words = str(acting.typed(P_WORDS) or "").strip()
    try:
        wanted = Pause(found.creator.id, channel_id, day_of(first), day_of(last), found.creator.zone, words)
        shown = page.read(lambda scope: pausing.preview(scope, wanted))
    except GreenroomError as wrong:
        draw("calendar_note.html", note=page.voice.say(wrong.message))
        return
    names = found.names if channel_id is None else {}
    draw("queue_preview.html", found=shown, names=names, voice=page.voice, word=page.word)
    act = partial(as_previewed, _typed(), _typed, partial(_begin, page, wanted, shown.versions))
    acting.button(page, "pause.begin", act, right=Right.RUN, key="pause:begin", kind="primary", disabled=not words)


def _typed() -> Typed:
    return tuple(map(acting.typed, (P_WORDS, P_FIRST, P_LAST, P_WHERE)))


def as_previewed(then: Typed, typed: Callable[[], Typed], act: Act, scope: Scope, press_id: UUID) -> Message | None:
    """Do what a preview showed. Raises Conflict where something else was `typed` since: nobody saw what that does."""
    if typed() != then:
        raise Conflict("shift.typed_since")
    return act(scope, press_id)


def _begin(page: Page, wanted: Pause, seen: dict[UUID, int], scope: Scope, _: UUID) -> Message:
    page.my(scope, wanted.creator_id)
    _, done = pausing.pause(scope, wanted, seen=seen)
    told = Message("pause.done", {"count": len(done.moved), "left": len(done.left), "out": len(done.out)})
    return calendar_left.said(page, scope, told, done.left)
