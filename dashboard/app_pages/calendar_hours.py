"""Hours proposed from results: with what they rest on, for the form of hours; nothing is moved or added by it."""

from collections.abc import Sequence

import streamlit as st

from dashboard.frame import Page
from dashboard.reads.hours import Hours, days_of, hours
from dashboard.reads.queue import Queue
from dashboard.widgets import draw
from insights.timing import Hour


def show(page: Page, found: Queue, *, days: str, clock: str) -> None:
    """Draw what is proposed; a press fills the inputs of these keys."""
    seen = page.read(lambda scope: hours(scope, found.creator, found.channel.id))
    drawn = (page.word(f"queue.day.{seen.drawn.weekday}"), f"{seen.drawn.clock:%H:%M}")
    lines = [_line(page, one) for one in seen.advice.hours]
    draw("queue_hours.html", head=_head(page, seen), lines=lines, drawn=drawn, word=page.word)
    offers = [(days_of(one.weekend), _days(page, one), f"{one.clock:02d}:00") for one in seen.advice.hours]
    offers += [((seen.drawn.weekday,), *drawn)] if lines else []
    with st.container(horizontal=True, gap="small"):
        for wanted, said, hour in offers:
            st.button(
                page.word("hours.fill", days=said, clock=hour),
                key=f"hours:{found.channel.id}:{said}:{hour}",
                on_click=_fill,
                args=(days, wanted, clock, hour),
            )


def _head(page: Page, seen: Hours) -> str:
    """How far the evidence goes."""
    posts, lacking = page.voice.count(seen.advice.posts), seen.advice.lacking
    if lacking:
        code = "hours.lacking_one" if lacking == 1 else "hours.lacking"
        return page.word(code, count=page.voice.count(lacking), posts=posts)
    return page.word("hours.some" if seen.advice.hours else "hours.none", posts=posts)


def _days(page: Page, one: Hour) -> str:
    return page.word("hours.weekends" if one.weekend else "hours.workdays")


def _line(page: Page, one: Hour) -> str:
    lift, low, high = (page.voice.count(round(share * 100)) for share in (one.lift, one.low, one.high))
    return page.word("hours.lift", days=_days(page, one), clock=f"{one.clock:02d}:00", lift=lift, low=low, high=high)


def _fill(days: str, wanted: Sequence[int], clock: str, hour: str) -> None:
    st.session_state[days], st.session_state[clock] = list(wanted), hour
