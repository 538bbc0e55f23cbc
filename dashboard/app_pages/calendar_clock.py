"""How the days are looked at: together or in lanes, and on whose clock. Kept in the address, and while one is here."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import streamlit as st

from dashboard import founding
from dashboard.app_pages import zones
from dashboard.app_pages.calendar_filters import LIST
from dashboard.frame import Page
from dashboard.widgets import draw
from tenants.reads import Creator

BY, ZONE = "by", "zone"
BYS = ("", "creator", "account")
"""Lanes that may be chosen; the first are none."""

LANED = frozenset({"day", "week"})
"""Views that can be had in lanes."""


def kept(page: Page, view: str) -> tuple[str, str]:
    """The lanes and the zone that were chosen; "" for none, and for each creator's own clock."""
    by = _kept(BY, BYS)
    return (by if view in LANED else ""), _kept(ZONE, founding.zones(page.who.member.zone))


def _kept(name: str, known: Collection[str]) -> str:
    asked = st.query_params.get(name) or st.session_state.get(_key(name)) or ""
    return asked if asked in known else ""


def _key(name: str) -> str:
    return f"calendar:kept:{name}"


def lists(page: Page, view: str) -> None:
    """Draw both choices."""
    by, zone = kept(page, view)
    if view in LANED:
        _choose(BY, page.word("lanes.by"), BYS, by, partial(_of, page))
    offered = ["", *founding.zones(page.who.member.zone)]
    _choose(ZONE, page.word("zones.look_in"), offered, zone, partial(_zone, page))


def said(page: Page, view: str, shown: Sequence[Creator]) -> None:
    """Say on whose clock every time below is."""
    _, zone = kept(page, view)
    draw("calendar_note.html", note=_said(page, zone, {one.zone for one in shown}))


def _choose(name: str, label: str, offered: Sequence[str], value: str, said: Callable[[str], str]) -> None:
    """A list whose choice is kept; the address is put right where it lost it on the way."""
    key = f"calendar:{name}"
    st.session_state[_key(name)] = value
    if st.session_state.get(key) != value:  # what is set is sent back, over a press that came meanwhile
        st.session_state[key] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    st.selectbox(label, offered, format_func=said, key=key, on_change=partial(_chosen, name), width=LIST)


def _chosen(name: str) -> None:
    value = st.session_state[f"calendar:{name}"] or ""
    st.session_state[_key(name)] = value
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _of(page: Page, by: str) -> str:
    return page.word(f"lanes.by.{by or 'none'}")


def _zone(page: Page, zone: str) -> str:
    return zones.called(page, zone) if zone else page.word("zones.own")


def _said(page: Page, zone: str, theirs: Collection[str]) -> str:
    if zone:
        return page.word("zones.looked", place=page.voice.place(zone))
    if len(theirs) > 1:
        return page.word("zones.several")
    return page.word("compose.zone", place=page.voice.place(next(iter(theirs), page.who.member.zone)))
