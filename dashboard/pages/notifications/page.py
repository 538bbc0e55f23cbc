"""Draw the page Notifications: the items of the member, the alerts, and how the member is notified.

The address names the section (`/notifications?section=settings`).
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.notifications import alerts, bell, routes
from dashboard.pages.notifications.queries import NotificationItem, load_notifications
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from tenants.agencies.queries import get_acting_member
from tenants.notices import member_notices
from tenants.notices.notice_pages import NOTICE_PAGES

PARAM = "section"
SECTIONS = ("items", "alerts", "settings")
MOST_SHOWN = 50
_PICKER = "notifications:section"
_UNREAD = "notifications:unread"
_KINDS = "notifications:kinds"


def render_page(page: PageContext) -> None:
    """Draw the chosen section."""
    st.title(page.text("dashboard.page.notifications"))
    asked = st.query_params.get(PARAM, "")
    chosen = st.segmented_control(
        page.text("notifications.sections"),
        SECTIONS,
        default=asked if asked in SECTIONS else SECTIONS[0],
        required=True,
        format_func=lambda name: page.text(f"notifications.section.{name}"),
        key=_PICKER,
        on_change=_store_section,
        label_visibility="collapsed",
    )
    if chosen == "alerts":
        alerts.render_alerts(page)
    elif chosen == "settings":
        routes.render_routes(page)
    else:
        _render_items(page)


def _store_section() -> None:
    """Write the chosen section to the address, so that a reload returns to it."""
    st.query_params.from_dict({PARAM: str(st.session_state[_PICKER])})


def _render_items(page: PageContext) -> None:
    found = page.read(lambda scope: load_notifications(scope, page.viewer.member, limit=MOST_SHOWN))
    present = [one.name for one in NOTICE_PAGES if one.name in {item.kind for item in found.items}]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        only_unread = st.toggle(page.text("notifications.only_unread"), key=_UNREAD, wrap=True)
        actions.action_button(
            page,
            "notifications.read_all",
            partial(bell.mark_all_read, found.now),
            right=page.own_right,
            key="notifications:read_all",
            disabled=not found.unread,
            icon=":material/done_all:",
        )
    kinds = _render_kinds(page, present) if len(present) > 1 else []
    shown = [
        one
        for one in found.items
        if (not only_unread or not one.read) and (not kinds or one.kind in kinds)
    ]
    if not shown:
        _draw_items(page, [], found.now)
    for one in shown:
        _render_item(page, one, found.now)


def _render_kinds(page: PageContext, present: list[str]) -> list[str]:
    return st.pills(
        page.text("notifications.kinds"),
        present,
        selection_mode="multi",
        format_func=lambda name: page.text(f"notification.kind.{name}"),
        key=_KINDS,
        label_visibility="collapsed",
    )


def _render_item(page: PageContext, one: NotificationItem, now: object) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        _draw_items(page, [one], now)
        if not one.read:
            actions.action_button(
                page,
                "notifications.read",
                partial(_mark_read, one.id),
                right=page.own_right,
                key=f"notifications:read:{one.id}",
                kind="tertiary",
                icon=":material/done:",
            )


def _draw_items(page: PageContext, items: list[NotificationItem], now: object) -> None:
    draw_template(
        "pages/notifications/templates/items.html",
        items=items,
        now=now,
        voice=page.localizer,
        word=page.text,
    )


def _mark_read(notice_id: UUID, scope: Scope, _: UUID) -> None:
    member = get_acting_member(scope, "notification.members_only")
    member_notices.mark_read(scope, member, [notice_id])
