"""The calendar page: posts by month, week, day or quarter, as a list or as queues of the accounts,
with open slots and a side panel. The address also selects the pages for planning."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.calendar import (
    browser_events,
    display_options,
    drag_and_drop,
    grid,
    label_manager,
    lanes,
    post_panel,
    queue_view,
    toolbar,
)
from dashboard.pages.calendar.queries import CalendarFilter
from dashboard.pages.calendar.views import DEFAULT_VIEW, VIEW_MODES, ViewRequest, view_window
from dashboard.pages.compose import page as compose
from dashboard.pages.planning import (
    ab_tests,
    drafts,
    evergreen_queue,
    held_posts,
    import_export,
    missed_posts,
    weekly_plan,
)
from dashboard.pages.planning.publishing_forecast import render_publishing_forecast
from dashboard.pages.planning.routines.overview import render_routine
from dashboard.pages.post_detail.page import render_post
from dashboard.pages.posts import labels
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.pages.queue import quiet_periods
from dashboard.pages.queue.page import render_queue
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.ops.wall_time import local_day
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "5s"
"""Refresh interval, so that a post changes to "Published" soon after it is published."""

PLANNED: Mapping[str, Callable[[PageContext], None]] = {
    "week": weekly_plan.render_weekly_plan,
    "aside": drafts.render_drafts,
    "held": held_posts.render_held_posts,
}
"""Planning pages by their query parameter."""

ASKED: Mapping[str, Callable[[PageContext, str], None]] = {
    "queue": render_queue,
    "pool": evergreen_queue.render_evergreen_queue,
    "compare": ab_tests.render_ab_tests,
    "routine": render_routine,
}
"""Planning pages by their query parameter, whose value they receive."""

FOR_PLANNERS = ("new", *ASKED, *PLANNED)
"""Query parameters of pages that require the right to run the calendar."""


def render_page(page: PageContext) -> None:
    """Render the calendar, or the page that the address selects: the composer, a planning page or
    one post."""
    if not page.has_right(Right.RUN) and any(map(st.query_params.get, FOR_PLANNERS)):
        render_back_button(page)
        draw_template("shell/templates/note.html", note=page.text("role.forbidden.run"))
    elif st.query_params.get("new"):
        compose.render_page(page, _parse_id(st.query_params.get("rework", "")))
    elif asked := next(filter(st.query_params.get, ASKED), ""):
        ASKED[asked](page, st.query_params[asked])
    elif name := next(filter(st.query_params.get, PLANNED), ""):
        PLANNED[name](page)
    elif st.query_params.get("missed"):
        missed_posts.render_missed_posts(page)
    elif st.query_params.get("files"):
        import_export.render_import_export(page)
    elif st.query_params.get("labels"):
        label_manager.render_label_manager(page)
    elif st.query_params.get("ahead"):
        render_publishing_forecast(page)
    elif chosen := _parse_id(st.query_params.get("post", "")):
        render_post(page, chosen)
    else:
        _render_days(page)


def _parse_id(text: str) -> UUID | None:
    """Parse a post ID from the address. Raise NotFound for an invalid ID, as for an unknown one."""
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("post.unknown") from error


def _render_days(page: PageContext) -> None:
    mine, now, offered = page.read(partial(_load_page_choices, page))
    if not mine:
        draw_template("shell/templates/empty.html", code="dashboard.no_creators", word=page.text)
        return
    asked = st.query_params.get("view", DEFAULT_VIEW)
    view = asked if asked in VIEW_MODES else DEFAULT_VIEW
    by, zone = display_options.get_display_options(page, view)
    today = local_day(now, zone or mine[0].zone)
    shown = view_window(view, st.query_params.get("day", ""), today)
    browser_events.render_browser_events(page)
    toolbar.render_heading(page, view, shown, today)
    choice = toolbar.render_toolbar(page, ViewRequest(view, shown, today), mine, offered)
    theirs = [one for one in mine if choice.creator in (None, one.id)]
    display_options.render_time_zone_note(page, view, theirs)
    post_panel.render_post_panel(page)
    if not by:  # Lanes show quiet periods in their cells.
        quiet_periods.render_quiet_banner(page, mine, shown.begins, shown.ends)
    look = VIEW_MODES[view]
    narrow = (choice.creator, choice.account, choice.group, look.whole, look.most, zone)
    wanted = CalendarFilter(
        shown.first, look.days, *narrow, labels.get_label_filter(), toolbar.get_search()
    )
    if wanted.text:  # A search reads the text of every post: not repeated by a timer.
        actions.show_notices(page, "calendar:grid")
        grid.render_grid(page, ViewRequest(view, shown, today), wanted)
        return
    _render_view(page, ViewRequest(view, shown, today), by, wanted)


def _load_page_choices(
    page: PageContext, scope: Scope
) -> tuple[list[Creator], datetime, list[PostAccount]]:
    """Return the member's creators, the current time and the accounts to filter by."""
    mine = page.list_creators(scope)
    return mine, scope.now, list_post_accounts(scope, mine)


@st.fragment(run_every=TICK)
def _render_view(drawn: PageContext, asked: ViewRequest, by: str, wanted: CalendarFilter) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "calendar:grid")
    drag_and_drop.render_drag_and_drop(page, asked.view, by, wanted.zone)
    if by:
        with st.container(key="gr_grid", gap="small"):
            lanes.render_lanes(page, wanted, by)
    elif asked.view == "queue":
        queue_view.render_queue_view(page, wanted)
    else:
        grid.render_grid(page, asked, wanted)
    drag_and_drop.render_hint(page, asked.view, by)
