"""Timing in the composer: the next open slot, warnings about a time, priority and maximum delay."""

from collections.abc import Mapping
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
from schedules.approvals.release import approval_deadline, approver_names, release_post
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
"""Priorities that a user can select."""


def describe_next_slot(page: PageContext, written: Draft) -> str:
    """Return the earliest open slot of the draft's accounts, or "" if none has one."""
    found = page.read(lambda scope: find_first_slots(scope, written.channels))
    if not found:
        return ""
    at = min(found.values(), key=WallTime.instant)
    return f"{page.localizer.format_short_day(at.day)} {at.clock:%H:%M}"


def render_timing_warnings(page: PageContext, written: Draft, at: WallTime | None) -> None:
    """Render the warnings about the publishing time, if it is valid."""
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
        # An emergency stop is shown in the preview of each account.
        if written.is_empty or trouble.code != "delivery.stopped":
            draw_template("shell/templates/note.html", note=page.localizer.message_text(trouble))


def read_typed_time(day: str, clock: str, zone: str, now: datetime) -> WallTime:
    """Return the typed time. Raise BadInput if it is invalid or in the past."""
    at = WallTime(parse_date(day), parse_time(clock), zone)
    if at.instant() < now:
        raise BadInput("compose.past")
    return at


def render_time_errors(page: PageContext, zone: str, now: datetime, *, repeating: bool) -> None:
    """Render the error that scheduling would report for the typed time, and a note if a clock
    change skips it."""
    try:
        at = read_typed_time(field_text(DAY_KEY), field_text(CLOCK_KEY), zone, now)
        if not repeating:  # A series has a separate limit for its horizon.
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
    """Render the priority of the post among other posts of an account that are due at the same
    time."""
    st.session_state.setdefault(PRIORITY_KEY, DEFAULT_PRIORITY)
    st.selectbox(
        page.text("compose.priority"),
        PRIORITIES,
        format_func=partial(priority_label, page),
        key=PRIORITY_KEY,
        width=220,
    )


def render_lateness_field(page: PageContext) -> None:
    """Render the maximum delay after which the post is no longer published automatically."""
    st.session_state.setdefault(LATENESS_KEY, str(LateLimit.HALF_AN_HOUR))
    st.selectbox(
        page.text("compose.late"),
        list(map(str, LateLimit)),
        format_func=partial(lateness_label, page),
        key=LATENESS_KEY,
        width=280,
    )


def lateness_label(page: PageContext, one: str) -> str:
    """Return the label of a maximum delay."""
    return page.text(f"compose.late.{one}")


def priority_label(page: PageContext, one: int) -> str:
    """Return the label of a priority."""
    return (
        page.text(f"compose.priority.{one}")
        if one in (1, DEFAULT_PRIORITY, LOWEST_POST_PRIORITY)
        else str(one)
    )


def selected_priority() -> int:
    """Return the selected priority."""
    return int(field_text(PRIORITY_KEY) or DEFAULT_PRIORITY)


def queue_post(
    page: PageContext,
    scope: Scope,
    written: Draft,
    *,
    key: UUID,
    author: str,
    priority: int,
    made: list[UUID],
) -> Message:
    """Store the draft once, add it to the queue of each account, and return the message about the
    result."""
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
    when |= {"who": ", ".join(waiting)}
    return waiting_message(page, scope, post_id, "compose.waits", when)


_OPEN_CODES = {
    "compose.waits": "compose.waits_open",
    "compose.waits_soon": "compose.waits_soon_open",
}
"""Message codes for posts without a limit, by the code with a deadline."""


def waiting_message(
    page: PageContext, scope: Scope, post_id: UUID, code: str, params: Mapping[str, str]
) -> Message:
    """Return the message `code` about a post that waits for an approval. It states until when an
    approval still publishes the post, in the member's time zone."""
    until = approval_deadline(scope, post_id)
    if until is None:
        return Message(_OPEN_CODES[code], params)
    moment = page.localizer.format_moment(until, scope.now)
    return Message(code, {**params, "until": moment})
