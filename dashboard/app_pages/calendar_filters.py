"""What of the calendar is shown: whose posts, on which account, how they stand."""

from uuid import UUID

import streamlit as st

from dashboard.frame import Page
from dashboard.reads.calendar import GROUPS
from dashboard.reads.compose import accounts as accounts_of
from tenants.reads import Creator

CREATOR, ACCOUNT, GROUP = "calendar:creator", "calendar:account", "calendar:group"


def show(page: Page, mine: list[Creator]) -> tuple[UUID | None, UUID | None, str]:
    """Draw the three lists; what was chosen in each, nothing for all."""
    names = {one.slug: one for one in mine}
    accounts = page.read(lambda scope: accounts_of(scope, mine))
    with st.container(horizontal=True, gap="small"):
        slug = st.selectbox(
            page.word("calendar.creator"),
            ["", *names],
            format_func=lambda one: names[one].name if one else page.word("calendar.everybody"),
            key=CREATOR,
            width=220,
        )
        chosen = names.get(slug)
        offered = {str(one.id): one for one in accounts if chosen is None or one.creator_id == chosen.id}
        account = st.selectbox(
            page.word("calendar.account"),
            ["", *offered],
            format_func=lambda one: offered[one].name if one else page.word("calendar.every_account"),
            key=ACCOUNT,
            width=220,
        )
        group = st.selectbox(
            page.word("calendar.state"),
            list(GROUPS),
            format_func=lambda one: page.word(f"calendar.only.{one}"),
            key=GROUP,
            width=220,
        )
    return (chosen.id if chosen is not None else None), (UUID(account) if account else None), group or "all"
