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

OTHER = "other"
"""What opens the whole list of zones: some four hundred, sent with each drawing, for what few ever choose."""

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


def lists(page: Page, view: str, shown: Sequence[Creator]) -> None:
    """Draw both choices."""
    by, zone = kept(page, view)
    if view in LANED:
        _choose(BY, page.word("lanes.by"), BYS, by, partial(_of, page))
    _choose(ZONE, page.word("zones.look_in"), _offered(page, shown, zone), zone, partial(_zone, page))


def said(page: Page, view: str, shown: Sequence[Creator]) -> None:
    """Say on whose clock every time below is."""
    _, zone = kept(page, view)
    draw("calendar_note.html", note=_said(page, zone, {one.zone for one in shown}))


def _offered(page: Page, shown: Sequence[Creator], zone: str) -> list[str]:
    """The zones of the creators that are shown, the member's own and the one that is looked at; every one once it was
    asked for another."""
    own = page.who.member.zone
    every = founding.zones(own)
    near = [one for one in dict.fromkeys((*(each.zone for each in shown), own, zone)) if one in every]
    if st.session_state.get(_key(OTHER)):
        return ["", *near, *(one for one in every if one not in near)]
    return ["", *near, OTHER]


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
    if name == ZONE:
        st.session_state[_key(OTHER)] = value == OTHER
        if value == OTHER:  # what was looked at stays until another one is chosen
            return
    st.session_state[_key(name)] = value
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _of(page: Page, by: str) -> str:
    return page.word(f"lanes.by.{by or 'none'}")


def _zone(page: Page, zone: str) -> str:
    if zone == OTHER:
        return page.word("zones.other")
    return zones.called(page, zone) if zone else page.word("zones.own")


def _said(page: Page, zone: str, theirs: Collection[str]) -> str:
    if zone:
        return page.word("zones.looked", place=page.voice.place(zone))
    if len(theirs) > 1:
        return page.word("zones.several")
    return page.word("compose.zone", place=page.voice.place(next(iter(theirs), page.who.member.zone)))
