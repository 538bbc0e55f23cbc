"""The calendar page: posts by day, week, month, quarter or as a list, open slots, and failed posts
with a retry button. The address also selects the pages for planning."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard.pages.calendar import display_options, drag_and_drop, filters, label_manager, lanes
from dashboard.pages.calendar.queries import (
    CalendarCard,
    CalendarDay,
    CalendarFilter,
    CalendarView,
    FreeSlot,
    free_slots,
    load_calendar,
)
from dashboard.pages.calendar.views import (
    DEFAULT_VIEW,
    MAX_CARDS,
    VIEW_MODES,
    WEEK_DAYS,
    ViewWindow,
    view_window,
)
from dashboard.pages.compose import draft
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
from dashboard.pages.posts import labels, publish_actions
from dashboard.pages.posts.accounts import PostAccount, list_post_accounts
from dashboard.pages.posts.calendar_navigation import render_back_button
from dashboard.pages.queue import quiet_periods
from dashboard.pages.queue.page import render_queue
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import local_day
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "5s"
"""Refresh interval, so that a post changes to "Published" soon after it is published."""

Kind = Literal["primary", "secondary", "tertiary"]

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
    draw_template("pages/posts/templates/style.html", word=page.text)
    draw_template("pages/posts/templates/feed_preview_style.html")
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
    _render_toolbar(page, view, shown, today)
    with st.container(
        horizontal=True, gap="small", vertical_alignment="bottom", key="gr_row_lists"
    ):
        creator, account, group = filters.render_filters(page, mine, offered)
        theirs = [one for one in mine if creator in (None, one.id)]
        display_options.render_display_options(page, view, theirs)
        labels.render_label_filter(page)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        labels.render_label_manager_link(page)
        display_options.render_time_zone_note(page, view, theirs)
    if not by:  # Lanes show quiet periods in their cells.
        quiet_periods.render_quiet_banner(page, mine, shown.begins, shown.ends)
    look = VIEW_MODES[view]
    narrow = (creator, account, group, look.whole, look.most, zone, labels.get_label_filter())
    _render_grid(page, view, by, CalendarFilter(shown.first, look.days, *narrow))


def _load_page_choices(
    page: PageContext, scope: Scope
) -> tuple[list[Creator], datetime, list[PostAccount]]:
    """Return the member's creators, the current time and the accounts to filter by."""
    mine = page.list_creators(scope)
    return mine, scope.now, list_post_accounts(scope, mine)


def _render_toolbar(page: PageContext, view: str, shown: ViewWindow, today: date) -> None:
    """Render the heading, the view selector and the navigation. Each button has a keyboard
    shortcut."""
    said = {"view": view, "first": shown.begins, "last": shown.ends, "today": today}
    draw_template(
        "pages/calendar/templates/header.html", **said, voice=page.localizer, word=page.text
    )
    day = today if shown.begins <= today <= shown.ends else shown.begins
    with st.container(horizontal=True, gap="small", key="gr_row_views"):
        for name, one in VIEW_MODES.items():
            kind: Kind = "secondary" if name == view else "tertiary"
            _render_navigation_button(
                page, f"calendar.view.{name}", one.key, day=str(day), view=name, kind=kind
            )
    with st.container(horizontal=True, gap="small", key="gr_row_ways"):
        _render_navigation_button(page, "calendar.before", "Left", day=str(shown.before), view=view)
        _render_navigation_button(page, "calendar.today", "T", day="", view=view)
        _render_navigation_button(page, "calendar.after", "Right", day=str(shown.after), view=view)
        _render_navigation_button(page, "files.open", "E", files="1")
        _render_navigation_button(page, "outlook.open", "P", ahead="1")
        if page.has_right(Right.RUN):
            _render_navigation_button(page, "calendar.queue", "Q", queue="1")
            _render_navigation_button(page, "calendar.routine", "U", routine="1")
            _render_navigation_button(page, "calendar.week", "B", week="1")
            _render_navigation_button(page, "calendar.pool", "A", pool="1")
            _render_navigation_button(page, "calendar.variants", "V", compare="1")
            _render_navigation_button(page, "calendar.aside", "K", aside="1")
            st.button(
                page.text("calendar.new"),
                type="primary",
                icon=":material/add:",
                shortcut="N",
                key="calendar:new",
                on_click=draft.start_draft,
            )


def _render_navigation_button(
    page: PageContext, code: str, shortcut: str, *, kind: Kind = "secondary", **address: str
) -> None:
    st.button(
        page.text(code),
        key=f"go:{code}",
        type=kind,
        shortcut=shortcut,
        on_click=partial(_set_address, address),
    )


def _set_address(address: dict[str, str]) -> None:
    st.query_params.from_dict({name: value for name, value in address.items() if value})


@st.fragment(run_every=TICK)
def _render_grid(drawn: PageContext, view: str, by: str, wanted: CalendarFilter) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "calendar:grid")
    drag_and_drop.render_drag_and_drop(page, view, by, wanted.zone)
    if by:
        with st.container(key="gr_grid", gap="small"):
            lanes.render_lanes(page, wanted, by)
        return
    found = page.read(lambda scope: load_calendar(scope, page.list_creators(scope), wanted))
    with st.container(key="gr_grid", gap="small"):
        _render_columns(page, view, found)
    if not found.ever:
        draw_template("shell/templates/empty.html", code="calendar.empty", word=page.text)
    draw_template("shell/templates/as_of.html", now=found.now, voice=page.localizer, word=page.text)


def _render_columns(page: PageContext, view: str, found: CalendarView) -> None:
    if view == "week":
        for column, day in zip(st.columns(WEEK_DAYS, gap="small"), found.days, strict=True):
            with column, st.container(key=f"column:{day.day}", gap="small"):
                _render_day(page, found, day)
    elif view == "month":
        for row in range(0, len(found.days), WEEK_DAYS):
            for column, day in zip(
                st.columns(WEEK_DAYS, gap="small"), found.days[row : row + WEEK_DAYS], strict=True
            ):
                with column, st.container(key=f"cell:{day.day}", gap=None):
                    _render_compact_day(page, found, day, held=page.has_right(Right.RUN))
    elif (
        any(day.short for day in found.days)
        or sum(len(day.turns) for day in found.days) > MAX_CARDS
    ):
        for day in found.days:
            if day.short or day.turns:
                _render_compact_day(page, found, day)
    else:
        for day in found.days:
            if day.turns or day.free:
                _render_day(page, found, day)
    if found.cut:
        draw_template("shell/templates/note.html", note=page.text("calendar.cut"))


def _render_compact_day(
    page: PageContext, found: CalendarView, day: CalendarDay, *, held: bool = False
) -> None:
    """Render a day with compact cards and a button that opens the day view. `held` makes its posts
    draggable.

    A day is one button and one HTML fragment without containers, because each Streamlit element
    costs more than the posts within it.
    """
    name = "day"
    label = page.localizer.format_short_day(day.day)
    if day.day == found.today:
        name = "today"
        label = f"{label} · {page.text('calendar.is_today')}"
    if st.button(label, key=f"{name}:{day.day}", type="tertiary"):
        _set_address({"view": "day", "day": str(day.day)})
        st.rerun()  # Rerun the whole page. A click inside the fragment reruns only the fragment.
    if day.short or day.turns:
        shown = {"several": len(found.chosen) > 1, "held": held, "cities": len(found.zones) > 1}
        marks = {"has": found.labels, "warned": found.warned}
        draw_template(
            "pages/calendar/templates/month_day.html",
            day=day,
            voice=page.localizer,
            word=page.text,
            **shown,
            **marks,
        )


def _render_day(page: PageContext, found: CalendarView, day: CalendarDay) -> None:
    draw_template(
        "pages/calendar/templates/day.html",
        day=day.day,
        today=found.today,
        voice=page.localizer,
        empty=not (day.turns or day.free),
    )
    rest = free_slots(day, found.zone)
    for turn in day.turns:
        while rest and rest[0].at.instant() < turn.at:
            _render_free_slot(page, found, rest.pop(0))
        _render_post_card(page, found, turn)
    for one in rest:
        _render_free_slot(page, found, one)


def _render_post_card(page: PageContext, found: CalendarView, turn: CalendarCard) -> None:
    several = len(found.chosen) > 1
    with st.container(border=True, gap=None, key=f"turn:{turn.post_id}:{turn.at:%d%H%M%S%f}"):
        label = page.text(
            "calendar.turn",
            clock=_format_card_time(page, found, turn.local_time, turn.zone),
            words=_shorten_label(turn.words),
        )
        if st.button(
            label, key=f"open:{turn.post_id}:{turn.at:%Y%m%d%H%M%S%f}", type="tertiary", wrap=True
        ):
            _set_address({"post": str(turn.post_id), "at": turn.occurrence_key})
            st.rerun()
        shown = {"several": several, "held": page.has_right(Right.RUN), "has": found.labels}
        draw_template(
            "pages/calendar/templates/card.html",
            turn=turn,
            short=found.state_code,
            voice=page.localizer,
            word=page.text,
            **shown,
        )
        for one in turn.posts:
            if publish_actions.can_retry(one) and page.has_right(Right.RUN):
                actions.action_button(
                    page,
                    "calendar.retry",
                    partial(_retry_delivery, page, turn.creator.id, one.delivery_id, one.version),
                    right=Right.RUN,
                    key=f"again:{one.delivery_id}:{one.version}",
                    params={"account": one.channel},
                    icon=":material/replay:",
                )


def _format_card_time(page: PageContext, found: CalendarView, at: datetime, zone: str) -> str:
    """Format a time, with its city if the page shows several time zones."""
    return f"{at:%H:%M} {page.localizer.zone_city(zone)}" if len(found.zones) > 1 else f"{at:%H:%M}"


def _shorten_label(words: str) -> str:
    """Return the start of a text on one line, with Markdown characters escaped."""
    line = " ".join(words.split())[:60]
    return "".join(f"\\{letter}" if letter in r"\`*_[]:$~<>|" else letter for letter in line) or "…"


def _retry_delivery(
    page: PageContext, creator_id: UUID, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return publish_actions.retry_delivery_action(page, scope, delivery_id, version)


def _render_free_slot(page: PageContext, found: CalendarView, one: FreeSlot) -> None:
    """Render an open slot as a button that starts a post for it."""
    if not page.has_right(Right.RUN):
        return
    names = (
        ""
        if len(one.creators) == len(found.chosen)
        else ", ".join(creator.name for creator in one.creators)
    )
    label = page.markdown(
        "calendar.free",
        clock=_format_card_time(page, found, one.local_time, one.zone),
        creator=names,
    ).strip()
    if st.button(
        label,
        key=f"free:{one.creators[0].slug}:{one.at}",
        type="tertiary",
        icon=":material/add:",
        wrap=True,
    ):
        draft.start_draft(creator=one.creators[0].slug, at=str(one.at))
        st.rerun()
