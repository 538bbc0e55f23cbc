"""How important a post is on an account, and how late it may leave on all of them, changed on its page."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.compose_when import IMPORTANCES, allowed, degree
from dashboard.frame import Page
from dashboard.reads.posts import Opened
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import importance
from schedules.importance import CHANGEABLE
from schedules.lateness import Late
from schedules.reads import Entry, Written
from tenants.roles import Right


def show(page: Page, creator_id: UUID, entry: Entry) -> None:
    """Draw it where it may still be changed."""
    if entry.state not in CHANGEABLE:
        return
    key = f"importance:{entry.delivery_id}:{entry.version}"
    with st.popover(page.word("importance.now", count=entry.priority)):
        draw("calendar_note.html", note=page.word("importance.why"))
        st.selectbox(
            page.word("compose.priority"),
            IMPORTANCES,
            index=max(entry.priority, 1) - 1,
            format_func=partial(degree, page),
            key=key,
        )
        act = partial(_set, page, creator_id, entry, key)
        acting.button(page, "importance.keep", act, right=Right.RUN, key=f"{key}:keep")


def _set(page: Page, creator_id: UUID, entry: Entry, key: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    wanted = int(acting.typed(key) or entry.priority)
    importance.set_importance(scope, entry.delivery_id, wanted, version=entry.version)
    return Message("importance.kept", {"count": wanted})


def lateness(page: Page, found: Opened) -> None:
    """How late it may still leave, where any of it is to leave."""
    post = found.post
    if not any(state in CHANGEABLE for state in found.everywhere):
        return
    key = f"lateness:{post.id}:{post.version}"
    with st.popover(page.word("lateness.now")):
        draw("calendar_note.html", note=page.word("lateness.why"))
        offered = list(map(str, Late))
        at = offered.index(post.late) if post.late is not None else None
        st.selectbox(page.word("compose.late"), offered, index=at, format_func=partial(allowed, page), key=key)
        act = partial(_late, page, found.creator.id, post, key)
        acting.button(page, "lateness.keep", act, right=Right.RUN, key=f"{key}:keep")


def _late(page: Page, creator_id: UUID, post: Written, key: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    wanted = str(acting.typed(key) or "") or post.late
    if wanted:
        importance.set_lateness(scope, post.id, Late(wanted), version=post.version)
    return Message("lateness.kept")
