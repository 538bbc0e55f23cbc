"""When a post leaves: the queue of each account as one more choice, what speaks against a time, how
important it is."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose.draft import (
    CLOCK_KEY,
    DAY_KEY,
    LATENESS_KEY,
    PRIORITY_KEY,
    field_text,
)
from dashboard.pages.posts import timing_warnings
from dashboard.pages.posts.timing_queries import (
    find_first_slots,
    list_blockers,
    list_timing_warnings,
)
from dashboard.shell.date_input import parse_date, parse_time
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.wall_time import WallTime, to_wall_time
from schedules.approvals.release import approver_names, release_post
from schedules.drafts.drafts import Draft
from schedules.posts.deliveries import (
    DEFAULT_PRIORITY,
    LOWEST_POST_PRIORITY,
    check_planning_horizon,
)
from schedules.posts.lateness import LateLimit
from schedules.rescheduling import queue

SLOT_CHOICE = "slot"
PRIORITIES = range(1, LOWEST_POST_PRIORITY + 1)
"""What people choose from."""


def describe_next_slot(page: PageContext, written: Draft) -> str:
    """When it would leave by the queue, the first of its accounts; "" where none of them has a
    slot."""
    found = page.read(lambda scope: find_first_slots(scope, written.channels))
    if not found:
        return ""
    at = min(found.values(), key=WallTime.instant)
    return f"{page.localizer.format_short_day(at.day)} {at.clock:%H:%M}"


def render_timing_warnings(page: PageContext, written: Draft, at: WallTime | None) -> None:
    """What speaks against the time it would leave, once that can be read: typed, proposed or at
    once."""
    if at is None:
        return
    there = written.channels
    when = at.instant()
    nears, troubles = page.read(
        lambda scope: (list_timing_warnings(scope, there, when), list_blockers(scope, there, when))
    )
    for near in nears:
        draw_template(
            "shell/templates/note.html", note=timing_warnings.describe_timing_warning(page, near)
        )
    for trouble in troubles:
        if (
            written.is_empty or trouble.code != "delivery.stopped"
        ):  # a stop is said where each account's post is shown
            draw_template("shell/templates/note.html", note=page.localizer.message_text(trouble))


def read_typed_time(day: str, clock: str, zone: str, now: datetime) -> WallTime:
    """The time that was typed. Raises BadInput for what nobody can read, and for one that has
    passed."""
    at = WallTime(parse_date(day), parse_time(clock), zone)
    if at.instant() < now:
        raise BadInput("compose.past")
    return at


def render_time_errors(page: PageContext, zone: str, now: datetime, *, repeating: bool) -> None:
    """Beside the fields of a time, what is wrong with it, as the press would say; and that it is
    one no clock shows."""
    try:
        at = read_typed_time(field_text(DAY_KEY), field_text(CLOCK_KEY), zone, now)
        if not repeating:  # a series has a rule of its own for how far ahead
            check_planning_horizon(at.instant(), now)
    except BadInput as wrong:
        draw_template("shell/templates/note.html", note=page.localizer.message_text(wrong.message))
        return
    if at.is_in_dst_gap:
        shown = to_wall_time(at.instant(), zone)
        said = {
            "day": f"{at.day:%d/%m/%Y}",
            "clock": f"{at.clock:%H:%M}",
            "leaves": f"{shown.clock:%H:%M}",
        }
        draw_template("shell/templates/note.html", note=page.text("compose.gap", **said))


def render_priority_field(page: PageContext) -> None:
    """How important it is among what leaves an account at once."""
    st.session_state.setdefault(PRIORITY_KEY, DEFAULT_PRIORITY)
    st.selectbox(
        page.text("compose.priority"),
        PRIORITIES,
        format_func=partial(priority_label, page),
        key=PRIORITY_KEY,
        width=220,
    )


def render_lateness_field(page: PageContext) -> None:
    """How late it may still leave by itself."""
    st.session_state.setdefault(LATENESS_KEY, str(LateLimit.HALF_AN_HOUR))
    st.selectbox(
        page.text("compose.late"),
        list(map(str, LateLimit)),
        format_func=partial(lateness_label, page),
        key=LATENESS_KEY,
        width=280,
    )


def lateness_label(page: PageContext, one: str) -> str:
    """How a lateness is called."""
    return page.text(f"compose.late.{one}")


def priority_label(page: PageContext, one: int) -> str:
    """How an importance is called."""
    return (
        page.text(f"compose.priority.{one}")
        if one in (1, DEFAULT_PRIORITY, LOWEST_POST_PRIORITY)
        else str(one)
    )


def selected_priority() -> int:
    """The importance that is chosen."""
    return int(field_text(PRIORITY_KEY) or DEFAULT_PRIORITY)


def queue_post(
    scope: Scope, written: Draft, *, key: UUID, author: str, priority: int, made: list[UUID]
) -> Message:
    """Write it once and add it to the queue of each account; what to tell the person."""
    post_id, times = queue.queue_draft(scope, written, key=key, author=author, priority=priority)
    left = release_post(scope, post_id)
    made.append(post_id)
    at = min(times.values(), key=WallTime.instant)
    when = {"day": f"{at.day:%d/%m/%Y}", "clock": f"{at.clock:%H:%M}"}
    if left:
        return Message("compose.planned", when)
    waiting = approver_names(scope, post_id)
    if not waiting:
        return Message("compose.waits_nobody", when)
    return Message("compose.waits", {**when, "who": ", ".join(waiting)})
