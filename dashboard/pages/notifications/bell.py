"""The bell in the header of all pages: the number of unread notifications, and the newest ones."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.notifications.queries import OPENED_PARAM, load_notifications
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from tenants.agencies.queries import get_acting_member
from tenants.notices import member_notices

REFRESH_INTERVAL = "30s"
MOST_SHOWN = 8
MAX_COUNT = 99
"""Largest number in the badge."""

_OPEN = "bell:open"


def take_opened_notice() -> UUID | None:
    """Return the notification whose link opened the page, and remove it from the address."""
    asked = st.query_params.get(OPENED_PARAM)
    if asked is None:
        return None
    del st.query_params[OPENED_PARAM]
    try:
        return UUID(asked)
    except ValueError:
        return None


@st.fragment(run_every=REFRESH_INTERVAL)
def render_bell(drawn: PageContext, unread: int) -> None:
    """Draw the bell. `unread` is the count of the whole page; a refresh reads it again."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    if page is not drawn:
        unread = page.read(lambda scope: member_notices.count_unread(scope, page.viewer.member))
    shown = str(unread) if unread <= MAX_COUNT else f"{MAX_COUNT}+"
    badge = f" **{shown}**" if unread else ""
    with st.container(key="bell", width="content"):
        opened = st.popover(
            # The style hides the word, which screen readers still read.
            f"{page.text('notifications.bell')}{badge}",
            icon=":material/notifications:",
            key=_OPEN,
            on_change="rerun",
            type="tertiary",
        )
        if opened.open:
            with opened:
                _render_newest(page)


def _render_newest(page: PageContext) -> None:
    found = page.read(lambda scope: load_notifications(scope, page.viewer.member, limit=MOST_SHOWN))
    draw_template(
        "pages/notifications/templates/items.html",
        items=found.items,
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        actions.action_button(
            page,
            "notifications.read_all",
            partial(mark_all_read, found.now),
            right=page.own_right,
            key="bell:read",
            disabled=not found.unread,
        )
        draw_template("pages/notifications/templates/all_link.html", word=page.text)


def mark_all_read(until: datetime, scope: Scope, _: UUID) -> Message | None:
    """Mark the notifications that the acting member could see at `until` (UTC-aware) as read."""
    member = get_acting_member(scope, "notification.members_only")
    member_notices.mark_all_read(scope, member, until=until)
    return None
