"""What of the calendar is shown: whose posts, on which account, how they stand; the way back to it."""

from uuid import UUID

import streamlit as st

from dashboard.frame import Page
from dashboard.reads.calendar import GROUPS
from dashboard.reads.compose import Account
from dashboard.widgets import draw
from foundation.errors import NotFound
from tenants.reads import Creator

CREATOR, ACCOUNT, GROUP = "calendar:creator", "calendar:account", "calendar:group"
LIST = 148
"""Pixels: what is looked at is chosen in one row on a desk; on a phone the row is wiped along."""


def show(page: Page, mine: list[Creator], accounts: list[Account]) -> tuple[UUID | None, UUID | None, str]:
    """Draw the three lists; what was chosen in each, nothing for all."""
    names = {one.slug: one for one in mine}
    slug = st.selectbox(
        page.word("calendar.creator"),
        ["", *names],
        format_func=lambda one: names[one].name if one else page.word("calendar.everybody"),
        key=CREATOR,
        width=LIST,
    )
    chosen = names.get(slug)
    offered = {str(one.id): one for one in accounts if chosen is None or one.creator_id == chosen.id}
    account = st.selectbox(
        page.word("calendar.account"),
        ["", *offered],
        format_func=lambda one: offered[one].name if one else page.word("calendar.every_account"),
        key=ACCOUNT,
        width=LIST,
    )
    group = st.selectbox(
        page.word("calendar.state"),
        list(GROUPS),
        format_func=lambda one: page.word(f"calendar.only.{one}"),
        key=GROUP,
        width=LIST,
    )
    return (chosen.id if chosen is not None else None), (UUID(account) if account else None), group or "all"


def way_back(page: Page) -> None:
    """The press that leads from a page of its own to the calendar."""
    st.button(page.word("calendar.back"), icon=":material/arrow_back:", on_click=st.query_params.clear)


def one_creator(page: Page, asks: str, asked: str) -> Creator | None:
    """Whose page it is: the creator in the address (`?asks=asked`), or the first one; None, and told, without any.

    Raises NotFound for a creator who is not theirs.
    """
    mine, key = {one.slug: one for one in page.read(page.mine)}, f"{asks}:creator"
    if not mine:
        draw("calendar_empty.html", code="dashboard.no_creators", word=page.word)
        return None
    if asked not in ("1", *mine):
        raise NotFound("creator.unknown", creator=asked)
    if asked in mine and st.session_state.get(key) != asked:
        st.session_state[key] = asked
    if len(mine) == 1:
        return next(iter(mine.values()))
    chosen = st.selectbox(
        page.word("calendar.creator"),
        list(mine),
        format_func=lambda slug: mine[slug].name,
        key=key,
        on_change=lambda: st.query_params.from_dict({asks: str(st.session_state[key])}),
        width=320,
    )
    return mine[chosen]
