"""Selection of a time zone by city, in the viewer's language."""

from functools import cache, partial
from zoneinfo import available_timezones

import streamlit as st

from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.page_context import PageContext
from foundation.ops.wall_time import WallTime, load_zone

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
    """Return all time zones that are named after a city, with the member's own zone first."""
    return [own, *(zone for zone in _list_city_zones() if zone != own)]


def render_time_zone_picker(page: PageContext, key: str, *, own: str, width: int = 240) -> None:
    """Draw the time zone selection. Its initial value is `own`."""
    st.session_state.setdefault(key, own)
    st.selectbox(
        page.text("zones.clock_of"),
        list_time_zones(own),
        format_func=partial(time_zone_label, page),
        key=key,
        width=width,
    )


def time_zone_label(page: PageContext, zone: str) -> str:
    """Return the label of a time zone: its city and its IANA name, so that both can be searched."""
    return _zone_name(zone, page.localizer.language)


@cache
def _zone_name(zone: str, language: str) -> str:
    return f"{MemberLocalizer(language, load_zone(zone)).zone_city(zone)} ({zone})"


def format_wall_clock(page: PageContext, at: WallTime, usual: str) -> str:
    """Format a local time, with its city if its time zone is not `usual`."""
    said = f"{at.clock:%H:%M}"
    return said if at.zone == usual else f"{said} ({page.localizer.zone_city(at.zone)})"
