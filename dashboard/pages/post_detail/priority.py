"""Editors of a post's priority on an account and of its maximum delay on all accounts."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose.timing import PRIORITIES, lateness_label, priority_label
from dashboard.pages.posts.queries import PostView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts.lateness import LateLimit
from schedules.posts.queries import DeliveryEntry, StoredPost
from schedules.rescheduling import priority
from schedules.rescheduling.priority import ADJUSTABLE_STATES
from tenants.agencies.rights import Right


def render_priority(page: PageContext, creator_id: UUID, entry: DeliveryEntry) -> None:
    """Render the priority editor if the priority can still be changed."""
    if entry.state not in ADJUSTABLE_STATES:
        return
    key = f"importance:{entry.delivery_id}:{entry.version}"
    with st.popover(page.text("importance.now", count=entry.priority)):
        draw_template("shell/templates/note.html", note=page.text("importance.why"))
        st.selectbox(
            page.text("compose.priority"),
            PRIORITIES,
            index=max(entry.priority, 1) - 1,
            format_func=partial(priority_label, page),
            key=key,
        )
        act = partial(_set_priority, page, creator_id, entry, key)
        actions.action_button(page, "importance.keep", act, right=Right.RUN, key=f"{key}:keep")


def _set_priority(
    page: PageContext, creator_id: UUID, entry: DeliveryEntry, key: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    wanted = int(actions.typed_value(key) or entry.priority)
    priority.set_priority(scope, entry.delivery_id, wanted, version=entry.version)
    return Message("importance.kept", {"count": wanted})


def render_lateness(page: PageContext, found: PostView) -> None:
    """Render the editor of the maximum delay if any delivery can still be changed."""
    post = found.post
    if not any(state in ADJUSTABLE_STATES for state in found.everywhere):
        return
    key = f"lateness:{post.id}:{post.version}"
    with st.popover(page.text("lateness.now")):
        draw_template("shell/templates/note.html", note=page.text("lateness.why"))
        offered = list(map(str, LateLimit))
        at = offered.index(post.late) if post.late is not None else None
        st.selectbox(
            page.text("compose.late"),
            offered,
            index=at,
            format_func=partial(lateness_label, page),
            key=key,
        )
        act = partial(_set_late_limit, page, found.creator.id, post, key)
        actions.action_button(page, "lateness.keep", act, right=Right.RUN, key=f"{key}:keep")


def _set_late_limit(
    page: PageContext, creator_id: UUID, post: StoredPost, key: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    wanted = str(actions.typed_value(key) or "") or post.late
    if wanted:
        priority.set_late_limit(scope, post.id, LateLimit(wanted), version=post.version)
    return Message("lateness.kept")
