"""How the days are looked at: together or in lanes, and on whose clock. Kept in the address, and
while one is here."""

from collections.abc import Callable, Collection, Sequence
from functools import partial

import streamlit as st

from dashboard.pages.posts.calendar_navigation import SELECT_WIDTH
from dashboard.shell import time_zones
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones
from dashboard.shell.widgets import draw_template
from tenants.agencies.queries import Creator

BY = "by"
ZONE = "zone"
BYS = ("", "creator", "account")
"""Lanes that may be chosen; the first are none."""

OTHER = "other"
"""What opens the whole list of zones: some four hundred, sent with each drawing, for what few ever
choose."""

LANED = frozenset({"day", "week"})
"""Views that can be had in lanes."""


def get_display_options(page: PageContext, view: str) -> tuple[str, str]:
    """The lanes and the zone that were chosen; "" for none, and for each creator's own clock."""
    by = _find_stored_choice(BY, BYS)
    return (by if view in LANED else ""), _find_stored_choice(
        ZONE, list_time_zones(page.viewer.member.zone)
    )


def _find_stored_choice(name: str, known: Collection[str]) -> str:
    asked = st.query_params.get(name) or st.session_state.get(_choice_key(name)) or ""
    return asked if asked in known else ""


def _choice_key(name: str) -> str:
    return f"calendar:kept:{name}"


def render_display_options(page: PageContext, view: str, shown: Sequence[Creator]) -> None:
    """Draw both choices."""
    by, zone = get_display_options(page, view)
    if view in LANED:
        _render_choice(BY, page.text("lanes.by"), BYS, by, partial(_lane_grouping_label, page))
    _render_choice(
        ZONE,
        page.text("zones.look_in"),
        _list_zone_choices(page, shown, zone),
        zone,
        partial(_zone_label, page),
    )


def render_time_zone_note(page: PageContext, view: str, shown: Sequence[Creator]) -> None:
    """Say on whose clock every time below is."""
    _, zone = get_display_options(page, view)
    draw_template(
        "shell/templates/note.html", note=_zone_caption(page, zone, {one.zone for one in shown})
    )


def _list_zone_choices(page: PageContext, shown: Sequence[Creator], zone: str) -> list[str]:
    """The zones of the creators that are shown, the member's own and the one that is looked at;
    every one once it was asked for another."""
    own = page.viewer.member.zone
    every = list_time_zones(own)
    near = [
        one for one in dict.fromkeys((*(each.zone for each in shown), own, zone)) if one in every
    ]
    if st.session_state.get(_choice_key(OTHER)):
        return ["", *near, *(one for one in every if one not in near)]
    return ["", *near, OTHER]


def _render_choice(
    name: str, label: str, offered: Sequence[str], value: str, said: Callable[[str], str]
) -> None:
    """A list whose choice is kept; the address is put right where it lost it on the way."""
    key = f"calendar:{name}"
    st.session_state[_choice_key(name)] = value
    if (
        st.session_state.get(key) != value
    ):  # what is set is sent back, over a press that came meanwhile
        st.session_state[key] = value
    if value and st.query_params.get(name) != value:
        st.query_params[name] = value
    st.selectbox(
        label,
        offered,
        format_func=said,
        key=key,
        on_change=partial(_store_choice, name),
        width=SELECT_WIDTH,
    )


def _store_choice(name: str) -> None:
    value = st.session_state[f"calendar:{name}"] or ""
    if name == ZONE:
        st.session_state[_choice_key(OTHER)] = value == OTHER
        if value == OTHER:  # what was looked at stays until another one is chosen
            return
    st.session_state[_choice_key(name)] = value
    if value:
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _lane_grouping_label(page: PageContext, by: str) -> str:
    return page.text(f"lanes.by.{by or 'none'}")


def _zone_label(page: PageContext, zone: str) -> str:
    if zone == OTHER:
        return page.text("zones.other")
    return time_zones.time_zone_label(page, zone) if zone else page.text("zones.own")


def _zone_caption(page: PageContext, zone: str, theirs: Collection[str]) -> str:
    if zone:
        return page.text("zones.looked", place=page.localizer.zone_city(zone))
    if len(theirs) > 1:
        return page.text("zones.several")
    return page.text(
        "compose.zone", place=page.localizer.zone_city(next(iter(theirs), page.viewer.member.zone))
    )
