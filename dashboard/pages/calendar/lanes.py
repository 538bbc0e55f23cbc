"""The lanes of the calendar: one for each creator or account."""

from typing import cast

from dashboard.pages.calendar.lane_queries import LaneGrouping, load_lanes
from dashboard.pages.calendar.queries import CalendarFilter
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from tenants.agencies.rights import Right


def render_lanes(page: PageContext, wanted: CalendarFilter, by: str) -> None:
    """Render the lanes as one HTML fragment. One element for each of a hundred lanes would make the
    page slow to use."""
    found = page.read(
        lambda scope: load_lanes(scope, page.list_creators(scope), wanted, cast(LaneGrouping, by))
    )
    draw_template(
        "pages/calendar/templates/lanes.html",
        found=found,
        held=page.has_right(Right.RUN),
        voice=page.localizer,
        word=page.text,
    )
    if not found.ever:
        draw_template("shell/templates/empty.html", code="calendar.empty", word=page.text)
    if found.cut:
        draw_template("shell/templates/note.html", note=page.text("calendar.cut"))
    draw_template("shell/templates/as_of.html", now=found.now, voice=page.localizer, word=page.text)
