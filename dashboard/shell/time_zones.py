"""A clock that is chosen: zones by the cities they are named after, in the language of whoever
looks."""

from functools import cache, partial
from zoneinfo import available_timezones

import streamlit as st

from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.page_context import PageContext
from foundation.ops.wall_time import WallTime, load_zone

pass


ZONE_AREAS = (
    "Africa/",
    "America/",
    "Asia/",
    "Atlantic/",
    "Australia/",
    "Europe/",
    "Indian/",
    "Pacific/",
)


@cache
def _list_city_zones() -> tuple[str, ...]:
    return tuple(sorted(zone for zone in available_timezones() if zone.startswith(ZONE_AREAS)))


def list_time_zones(own: str) -> list[str]:
    """Every zone that is named after a place, and the person's own, which comes first."""
    return [own, *(zone for zone in _list_city_zones() if zone != own)]


def render_time_zone_picker(page: PageContext, key: str, *, own: str, width: int = 240) -> None:
    """The list in which a clock is chosen: `own` until another one is."""
    st.session_state.setdefault(key, own)
    st.selectbox(
        page.text("zones.clock_of"),
        list_time_zones(own),
        format_func=partial(time_zone_label, page),
        key=key,
        width=width,
    )


def time_zone_label(page: PageContext, zone: str) -> str:
    """What a zone is called: its city, and its own name, by which it is found too."""
    return _zone_name(zone, page.localizer.language)


@cache
def _zone_name(zone: str, language: str) -> str:
    return f"{MemberLocalizer(language, load_zone(zone)).zone_city(zone)} ({zone})"


def format_wall_clock(page: PageContext, at: WallTime, usual: str) -> str:
    """A clock time, with its city where that is not the `usual` zone."""
    said = f"{at.clock:%H:%M}"
    return said if at.zone == usual else f"{said} ({page.localizer.zone_city(at.zone)})"
