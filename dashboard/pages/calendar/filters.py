"""Filters of the calendar: creator, account and state group."""

from dataclasses import dataclass
from uuid import UUID

import streamlit as st

from dashboard.pages.calendar.queries import STATE_GROUPS
from dashboard.pages.posts import labels
from dashboard.pages.posts.accounts import PostAccount
from dashboard.pages.posts.calendar_navigation import SELECT_WIDTH
from dashboard.shell.page_context import PageContext
from tenants.agencies.queries import Creator

CREATOR = "calendar:creator"
ACCOUNT = "calendar:account"
GROUP = "calendar:group"


@dataclass(frozen=True)
class CalendarChoice:
    """The selected filters. `creator` and `account` are None if all are selected."""

    creator: UUID | None
    account: UUID | None
    group: str


def count_filters() -> int:
    """Return the number of filters that hide posts."""
    chosen = [bool(st.session_state.get(one)) for one in (CREATOR, ACCOUNT, labels.LABEL)]
    return sum([*chosen, st.session_state.get(GROUP, "all") != "all"])


def clear_filters() -> None:
    """Reset the filters that hide posts. Call it in a callback."""
    st.session_state.update({CREATOR: "", ACCOUNT: "", labels.LABEL: "", GROUP: "all"})


def render_filters(
    page: PageContext, mine: list[Creator], accounts: list[PostAccount]
) -> CalendarChoice:
    """Render the filters and return what is selected."""
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
    return CalendarChoice(
        chosen.id if chosen is not None else None,
        UUID(account) if account else None,
        group or "all",
    )
