"""Filters of the calendar: creator, account and state group."""

from uuid import UUID

import streamlit as st

from dashboard.pages.calendar.queries import STATE_GROUPS
from dashboard.pages.posts.accounts import PostAccount
from dashboard.pages.posts.calendar_navigation import SELECT_WIDTH
from dashboard.shell.page_context import PageContext
from tenants.agencies.queries import Creator

CREATOR = "calendar:creator"
ACCOUNT = "calendar:account"
GROUP = "calendar:group"


def render_filters(
    page: PageContext, mine: list[Creator], accounts: list[PostAccount]
) -> tuple[UUID | None, UUID | None, str]:
    """Render the three filters. Return the ID of the creator, the ID of the account (each None if
    all are selected), and the state group."""
    names = {one.slug: one for one in mine}
    slug = st.selectbox(
        page.text("calendar.creator"),
        ["", *names],
        format_func=lambda one: names[one].name if one else page.text("calendar.everybody"),
        key=CREATOR,
        width=SELECT_WIDTH,
    )
    chosen = names.get(slug)
    offered = {
        str(one.id): one for one in accounts if chosen is None or one.creator_id == chosen.id
    }
    account = st.selectbox(
        page.text("calendar.account"),
        ["", *offered],
        format_func=lambda one: offered[one].name if one else page.text("calendar.every_account"),
        key=ACCOUNT,
        width=SELECT_WIDTH,
    )
    group = st.selectbox(
        page.text("calendar.state"),
        list(STATE_GROUPS),
        format_func=lambda one: page.text(f"calendar.only.{one}"),
        key=GROUP,
        width=SELECT_WIDTH,
    )
    return (
        (chosen.id if chosen is not None else None),
        (UUID(account) if account else None),
        group or "all",
    )
