"""A clock that is chosen: zones by the cities they are named after, in the language of whoever looks."""

from functools import cache, partial

import streamlit as st

from dashboard.founding import zones
from dashboard.frame import Page
from dashboard.wording import Voice
from schedules.calendar import WallTime, zone_of


def choose(page: Page, key: str, *, own: str, width: int = 240) -> None:
    """The list in which a clock is chosen: `own` until another one is."""
    st.session_state.setdefault(key, own)
    st.selectbox(page.word("zones.clock_of"), zones(own), format_func=partial(called, page), key=key, width=width)


def called(page: Page, zone: str) -> str:
    """What a zone is called: its city, and its own name, by which it is found too."""
    return _called(zone, page.voice.language)


@cache
def _called(zone: str, language: str) -> str:
    return f"{Voice(language, zone_of(zone)).place(zone)} ({zone})"


def clock(page: Page, at: WallTime, usual: str) -> str:
    """A clock time, with its city where that is not the `usual` zone."""
    said = f"{at.clock:%H:%M}"
    return said if at.zone == usual else f"{said} ({page.voice.place(at.zone)})"
