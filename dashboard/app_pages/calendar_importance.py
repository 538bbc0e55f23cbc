"""How important a post is on an account, changed on its page."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.compose_when import IMPORTANCES, degree
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import importance
from schedules.importance import CHANGEABLE
from schedules.reads import Entry
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
