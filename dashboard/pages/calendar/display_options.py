"""Display options of the calendar: lanes and time zone. They are stored in the URL and in the
session."""

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
"""Lane groupings. The empty string shows no lanes."""

OTHER = "other"
"""Option that loads the list of all time zones. The list has about 400 entries, which would be sent
with every render although few users need it."""

LANED = frozenset({"day", "week"})
"""Views that support lanes."""


def get_display_options(page: PageContext, view: str) -> tuple[str, str]:
    """Return the selected lane grouping ("" for none) and time zone ("" for each creator's)."""
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
    """Render the fields that select the lane grouping and the time zone."""
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
    """Render a note with the time zone of the times below."""
    _, zone = get_display_options(page, view)
    draw_template(
        "shell/templates/note.html", note=_zone_caption(page, zone, {one.zone for one in shown})
    )


def _list_zone_choices(page: PageContext, shown: Sequence[Creator], zone: str) -> list[str]:
    """Return the time zones of the visible creators, the member's and the selected one. Return all
    time zones after the user selects "Other"."""
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
    """Render a select box with a stored value. Restore the query parameter if a navigation dropped
    it."""
    key = f"calendar:{name}"
    st.session_state[_choice_key(name)] = value
    # Assigning sends the value to the browser again, which would overwrite a concurrent selection.
    if st.session_state.get(key) != value:
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
        if value == OTHER:  # The current zone is retained until another one is selected.
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
