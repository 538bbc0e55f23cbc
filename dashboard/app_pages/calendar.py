"""Calendar: a week or a list of what goes out, the hours that are free, and what went wrong, in place."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import (
    calendar_aside,
    calendar_clock,
    calendar_drag,
    calendar_files,
    calendar_filters,
    calendar_held,
    calendar_labelled,
    calendar_labels,
    calendar_lanes,
    calendar_missed,
    calendar_now,
    calendar_pool,
    calendar_post,
    calendar_queue,
    calendar_quiet,
    calendar_variants,
    calendar_week,
    compose,
    compose_draft,
)
from dashboard.app_pages.calendar_outlook import show as show_ahead
from dashboard.app_pages.calendar_views import MOST_TURNS, USUAL, VIEWS, WEEK, Window, window
from dashboard.frame import Page
from dashboard.reads.calendar import Calendar, Day, FreeHour, Turn, Wanted, calendar, free_hours
from dashboard.reads.compose import Account, accounts
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules.calendar import local_day
from tenants.reads import Creator
from tenants.roles import Right

TICK = "5s"
"""How often what is shown is read again: a post that leaves is seen to leave."""

Kind = Literal["primary", "secondary", "tertiary"]

PLANNED: Mapping[str, Callable[[Page], None]] = {
    "week": calendar_week.show,
    "aside": calendar_aside.show,
    "held": calendar_held.show,
}
"""Pages of their own for who plans, by their name in the address."""

FOR_PLANNERS = ("new", "queue", "pool", "compare", *PLANNED)
"""What in an address asks for a page that is for who plans alone."""


def show(page: Page) -> None:
    """Draw the page: a post that is being written, files, a post that was opened, or the days."""
    draw("calendar_style.html", word=page.word)
    draw("feed_style.html")
    if not page.may(Right.RUN) and any(map(st.query_params.get, FOR_PLANNERS)):
        calendar_filters.way_back(page)
        draw("calendar_note.html", note=page.word("role.forbidden.run"))
    elif st.query_params.get("new"):
        compose.show(page, _id(st.query_params.get("rework", "")))
    elif queue := st.query_params.get("queue"):
        calendar_queue.show(page, queue)
    elif name := next(filter(st.query_params.get, PLANNED), ""):
        PLANNED[name](page)
    elif pool := st.query_params.get("pool"):
        calendar_pool.show(page, pool)
    elif st.query_params.get("missed"):
        calendar_missed.show(page)
    elif compare := st.query_params.get("compare"):
        calendar_variants.show(page, compare)
    elif st.query_params.get("files"):
        calendar_files.show(page)
    elif st.query_params.get("labels"):
        calendar_labelled.show(page)
    elif st.query_params.get("ahead"):
        show_ahead(page)
    elif chosen := _id(st.query_params.get("post", "")):
        calendar_post.show(page, chosen)
    else:
        _days(page)


def _id(text: str) -> UUID | None:
    """An id of the address. Raises NotFound for what is none, as for one nobody knows."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("post.unknown") from error


def _days(page: Page) -> None:
    mine, now, offered = page.read(partial(_around, page))
    if not mine:
        draw("calendar_empty.html", code="dashboard.no_creators", word=page.word)
        return
    asked = st.query_params.get("view", USUAL)
    view = asked if asked in VIEWS else USUAL
    by, zone = calendar_clock.kept(page, view)
    today = local_day(now, zone or mine[0].zone)
    shown = window(view, st.query_params.get("day", ""), today)
    _bar(page, view, shown, today)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="gr_row_lists"):
        creator, account, group = calendar_filters.show(page, mine, offered)
        theirs = [one for one in mine if creator in (None, one.id)]
        calendar_clock.lists(page, view, theirs)
        calendar_labels.choose(page)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        calendar_labels.way(page)
        calendar_clock.said(page, view, theirs)
    if not by:  # lanes show theirs where they are
        calendar_quiet.banner(page, mine, shown.begins, shown.ends)
    look = VIEWS[view]
    narrow = (creator, account, group, look.whole, look.most, zone, calendar_labels.chosen())
    _grid(page, view, by, Wanted(shown.first, look.days, *narrow))


def _around(page: Page, scope: Scope) -> tuple[list[Creator], datetime, list[Account]]:
    """Whose days may be shown, when it is, and on which accounts."""
    mine = page.mine(scope)
    return mine, scope.now, accounts(scope, mine)


def _bar(page: Page, view: str, shown: Window, today: date) -> None:
    """Where one is, and the way to elsewhere; each button has its key."""
    said = {"view": view, "first": shown.begins, "last": shown.ends, "today": today}
    draw("calendar_head.html", **said, voice=page.voice, word=page.word)
    day = today if shown.begins <= today <= shown.ends else shown.begins
    with st.container(horizontal=True, gap="small", key="gr_row_views"):
        for name, one in VIEWS.items():
            kind: Kind = "secondary" if name == view else "tertiary"
            _go(page, f"calendar.view.{name}", one.key, day=str(day), view=name, kind=kind)
    with st.container(horizontal=True, gap="small", key="gr_row_ways"):
        _go(page, "calendar.before", "Left", day=str(shown.before), view=view)
        _go(page, "calendar.today", "T", day="", view=view)
        _go(page, "calendar.after", "Right", day=str(shown.after), view=view)
        _go(page, "files.open", "E", files="1")
        _go(page, "outlook.open", "P", ahead="1")
        if page.may(Right.RUN):
            _go(page, "calendar.queue", "Q", queue="1")
            _go(page, "calendar.week", "B", week="1")
            _go(page, "calendar.pool", "A", pool="1")
            _go(page, "calendar.variants", "V", compare="1")
            _go(page, "calendar.aside", "K", aside="1")
            st.button(
                page.word("calendar.new"),
                type="primary",
                icon=":material/add:",
                shortcut="N",
                key="calendar:new",
                on_click=compose_draft.begin,
            )


def _go(page: Page, code: str, shortcut: str, *, kind: Kind = "secondary", **address: str) -> None:
    st.button(page.word(code), key=f"go:{code}", type=kind, shortcut=shortcut, on_click=partial(_went, address))


def _went(address: dict[str, str]) -> None:
    st.query_params.from_dict({name: value for name, value in address.items() if value})


@st.fragment(run_every=TICK)
def _grid(drawn: Page, view: str, by: str, wanted: Wanted) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "calendar:grid")
    calendar_drag.show(page, view, by, wanted.zone)
    if by:
        with st.container(key="gr_grid", gap="small"):
            calendar_lanes.show(page, wanted, by)
        return
    found = page.read(lambda scope: calendar(scope, page.mine(scope), wanted))
    with st.container(key="gr_grid", gap="small"):
        _columns(page, view, found)
    if not found.ever:
        draw("calendar_empty.html", code="calendar.empty", word=page.word)
    draw("calendar_foot.html", now=found.now, voice=page.voice, word=page.word)


def _columns(page: Page, view: str, found: Calendar) -> None:
    if view == "week":
        for column, day in zip(st.columns(WEEK, gap="small"), found.days, strict=True):
            with column, st.container(key=f"column:{day.day}", gap="small"):
                _day(page, found, day)
    elif view == "month":
        for row in range(0, len(found.days), WEEK):
            for column, day in zip(st.columns(WEEK, gap="small"), found.days[row : row + WEEK], strict=True):
                with column, st.container(key=f"cell:{day.day}", gap=None):
                    _compact(page, found, day, held=page.may(Right.RUN))
    elif any(day.short for day in found.days) or sum(len(day.turns) for day in found.days) > MOST_TURNS:
        for day in found.days:
            if day.short or day.turns:
                _compact(page, found, day)
    else:
        for day in found.days:
            if day.turns or day.free:
                _day(page, found, day)
    if found.cut:
        draw("calendar_note.html", note=page.word("calendar.cut"))


def _compact(page: Page, found: Calendar, day: Day, *, held: bool = False) -> None:
    """A day in short; a press opens all of it. `held`: its posts can be taken hold of, to be dragged.

    A button and one piece of HTML, and nothing around them: each element costs more than the posts within it.
    """
    name, label = "day", page.voice.short_day(day.day)
    if day.day == found.today:
        name, label = "today", f"{label} · {page.word('calendar.is_today')}"
    if st.button(label, key=f"{name}:{day.day}", type="tertiary"):
        _went({"view": "day", "day": str(day.day)})
        st.rerun()  # all of the page: a press within the grid draws the grid alone
    if day.short or day.turns:
        shown = {"several": len(found.chosen) > 1, "held": held, "cities": len(found.zones) > 1}
        marks = {"has": found.labels, "warned": found.warned}
        draw("calendar_compact.html", day=day, voice=page.voice, word=page.word, **shown, **marks)


def _day(page: Page, found: Calendar, day: Day) -> None:
    draw("calendar_day.html", day=day.day, today=found.today, voice=page.voice, empty=not (day.turns or day.free))
    rest = free_hours(day, found.zone)
    for turn in day.turns:
        while rest and rest[0].at.instant() < turn.at:
            _free(page, found, rest.pop(0))
        _turn(page, found, turn)
    for one in rest:
        _free(page, found, one)


def _turn(page: Page, found: Calendar, turn: Turn) -> None:
    several = len(found.chosen) > 1
    with st.container(border=True, gap=None, key=f"turn:{turn.post_id}:{turn.at:%d%H%M%S%f}"):
        label = page.word("calendar.turn", clock=_clock(page, found, turn.local, turn.zone), words=_short(turn.words))
        if st.button(label, key=f"open:{turn.post_id}:{turn.at:%Y%m%d%H%M%S%f}", type="tertiary", wrap=True):
            _went({"post": str(turn.post_id), "at": turn.occurrence_key})
            st.rerun()
        shown = {"several": several, "held": page.may(Right.RUN), "has": found.labels}
        draw("calendar_turn.html", turn=turn, short=found.short, voice=page.voice, word=page.word, **shown)
        for one in turn.posts:
            if calendar_now.retried(one) and page.may(Right.RUN):
                acting.button(
                    page,
                    "calendar.retry",
                    partial(_again, page, turn.creator.id, one.delivery_id, one.version),
                    right=Right.RUN,
                    key=f"again:{one.delivery_id}:{one.version}",
                    params={"account": one.channel},
                    icon=":material/replay:",
                )


def _clock(page: Page, found: Calendar, at: datetime, zone: str) -> str:
    """A time, with its city where the page shows those of several clocks."""
    return f"{at:%H:%M} {page.voice.place(zone)}" if len(found.zones) > 1 else f"{at:%H:%M}"


def _short(words: str) -> str:
    """The first words on one line, and nothing that a label would read as a sign of its own."""
    line = " ".join(words.split())[:60]
    return "".join(f"\\{letter}" if letter in r"\`*_[]:$~<>|" else letter for letter in line) or "…"


def _again(page: Page, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    return calendar_now.again(page, scope, delivery_id, version)


def _free(page: Page, found: Calendar, one: FreeHour) -> None:
    """An hour nobody uses yet: a press begins a post for it."""
    if not page.may(Right.RUN):
        return
    names = "" if len(one.creators) == len(found.chosen) else ", ".join(creator.name for creator in one.creators)
    label = page.label("calendar.free", clock=_clock(page, found, one.local, one.zone), creator=names).strip()
    if st.button(label, key=f"free:{one.creators[0].slug}:{one.at}", type="tertiary", icon=":material/add:", wrap=True):
        compose_draft.begin(creator=one.creators[0].slug, at=str(one.at))
        st.rerun()
