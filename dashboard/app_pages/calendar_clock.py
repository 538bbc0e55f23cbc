"""How the days are looked at: together or in lanes, and on whose clock. Kept in the address, and while one is here."""

from collections.abc import Collection, Sequence
from functools import partial

import streamlit as st

from dashboard.app_pages import zones
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
    return (by if view in LANED else ""), _kept(ZONE, zones.zones(page.who.member.zone))


def _kept(name: str, known: Collection[str]) -> str:
    asked = st.query_params.get(name) or st.session_state.get(_key(name)) or ""
    return asked if asked in known else ""


def _key(name: str) -> str:
    return f"calendar:kept:{name}"


def show(page: Page, view: str, shown: Sequence[Creator]) -> None:
    """Draw both choices, and say on whose clock every time below is."""
    by, zone = kept(page, view)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        if view in LANED:
            st.selectbox(page.word("lanes.by"), BYS, format_func=partial(_of, page), **_choice(BY, by))
        offered = ["", *zones.zones(page.who.member.zone)]
        st.selectbox(page.word("zones.look_in"), offered, format_func=partial(_zone, page), **_choice(ZONE, zone))
        here = {one.zone for one in shown}
        place = page.voice.place(zone or next(iter(here), page.who.member.zone))
        code = "zones.looked" if zone else "zones.several" if len(here) > 1 else "compose.zone"
        draw("calendar_note.html", note=page.word(code, **({"place": place} if code != "zones.several" else {})))


def _choice(name: str, value: str) -> dict[str, object]:
    """What a list needs to show a choice and to keep it: the address is put right where it lost it on the way."""
    key = f"calendar:{name}"
    st.session_state[_key(name)] = value
    if st.session_state.get(key) != value:  # what is set is sent back, over a press that came meanwhile
        st.session_state[key] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    return {"key": key, "width": 220, "on_change": partial(_chosen, name)}


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
