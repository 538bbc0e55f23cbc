"""The grid of the calendar: the days of a view with their posts and open slots, as one HTML
fragment. One element for each card would make a full month slow."""

from collections.abc import Sequence
from datetime import date

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.calendar.drag_and_drop import DRAGGED
from dashboard.pages.calendar.queries import (
    TONE_SIGNS,
    CalendarCard,
    CalendarDay,
    CalendarFilter,
    CalendarView,
    CompactCard,
    FreeSlot,
    free_slots,
    load_calendar,
)
from dashboard.pages.calendar.views import ViewRequest
from dashboard.pages.posts import publish_actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from tenants.agencies.rights import Right

_Item = tuple[CalendarCard | CompactCard | None, FreeSlot | None]
"""A card or an open slot of a day."""

DAY_COLUMNS = frozenset({"month", "week"})
"""Views that show each day, even without posts."""


def render_grid(page: PageContext, asked: ViewRequest, wanted: CalendarFilter) -> None:
    """Render the days of a view, or the posts that a search has found."""
    found = page.read(lambda scope: load_calendar(scope, page.list_creators(scope), wanted))
    look = "found" if wanted.text else asked.view
    runs = page.has_right(Right.RUN)
    days = [(day, _list_items(found, day, slots=runs)) for day in found.days]
    if wanted.text:
        _render_search_result(page, found, wanted.text)
    with st.container(key="gr_grid", gap="small"):
        draw_template(
            "pages/calendar/templates/grid.html",
            view=look,
            found=found,
            days=[one for one in days if look in DAY_COLUMNS or one[1]],
            outside=_list_outside_days(found, asked) if look == "month" else (),
            held=runs and look in DRAGGED,
            runs=runs,
            several=len(found.chosen) > 1,
            cities=len(found.zones) > 1,
            signs=TONE_SIGNS,
            can_retry=publish_actions.can_retry,
            src=library_files.picture_url,
            voice=page.localizer,
            word=page.text,
        )
    if found.cut and not wanted.text:
        draw_template("shell/templates/note.html", note=page.text("calendar.cut"))
    if not found.ever:
        draw_template("shell/templates/empty.html", code="calendar.empty", word=page.text)
    draw_template("shell/templates/as_of.html", now=found.now, voice=page.localizer, word=page.text)


def _list_outside_days(found: CalendarView, asked: ViewRequest) -> list[date]:
    """Return the days of the neighbouring months that fill the first and the last row."""
    shown = asked.shown
    return [one.day for one in found.days if not shown.begins <= one.day <= shown.ends]


def _list_items(found: CalendarView, day: CalendarDay, *, slots: bool) -> Sequence[_Item]:
    """Return the cards and the open slots of a day, by time."""
    if day.short:
        return [(one, None) for one in day.short]
    items: list[_Item] = []
    rest = free_slots(day, found.zone) if slots else []
    for card in day.turns:
        while rest and rest[0].at.instant() < card.at:
            items.append((None, rest.pop(0)))
        items.append((card, None))
    return [*items, *((None, one) for one in rest)]


def _render_search_result(page: PageContext, found: CalendarView, text: str) -> None:
    count = sum(len(day.short) for day in found.days)
    code = {0: "calendar.found_none", 1: "calendar.found_one"}.get(count, "calendar.found")
    said = page.text("calendar.found_most" if found.cut else code, count=count, text=text)
    draw_template("shell/templates/note.html", note=said)
