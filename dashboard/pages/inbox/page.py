"""The inbox page: the list of conversations, the open conversation and the fan card. The refreshing
fragment contains no input fields."""

from collections.abc import Mapping, Sequence
from typing import get_args
from uuid import UUID

import streamlit as st
from babel import Locale

from connectors.contract.chats import AttachmentKind
from dashboard.pages.inbox import (
    comment_panel,
    conversation_panel,
    fan_predictions,
    list_panel,
    memory_panel,
)
from dashboard.pages.inbox.actions import (
    CLOSING,
    OFFER_PANEL,
    SAVED_REPLIES_PANEL,
    SELECTED_COMMENT_KEY,
)
from dashboard.pages.inbox.queries import (
    ConversationView,
    InboxView,
    conversation_creator,
    load_conversation,
    load_inbox,
    open_conversation,
    renew_presence,
)
from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.money import Money
from subscribers.conversations.queries import ThreadLine
from subscribers.inbox import read_state
from tenants.agencies.rights import Right

TICK = "2s"
"""Interval at which one change marker is read. The page is rerun only if it changed."""

KINDS = frozenset(
    {
        "notice",
        "invoice",
        "pack",
        "locked",
        "button",
        "age",
        "stop",
        "join",
        "edited",
        "unsupported",
    }
    | set(get_args(AttachmentKind)) - {""}
)
"""Message kinds that are rendered with more than their text."""

CHAT = "chat"
"""Query parameter of the open conversation."""

LINES_HEIGHT = 460
"""Height in pixels. Messages scroll within the pane, so that the reply field remains visible."""


def render_page(page: PageContext) -> None:
    """Render the three panes. On a phone only one is visible at a time."""
    list_panel.apply_address()
    chosen = _find_selected_conversation(page)
    found = page.read(lambda scope: _open_and_load(scope, page, chosen))
    if not found.groups and not found.wanted.is_active:
        draw_template(
            "pages/inbox/templates/empty.html",
            known=bool(found.creators),
            windows=found.windows,
            word=page.text,
        )
        _rerun_on_change(page, chosen, found.mark)
        return
    left, middle, right = st.columns([1.15, 1.7, 0.9], gap="medium")
    with left, st.container(key="inbox-list"):
        list_panel.render_list(page, found, chosen, go_to_conversation)
    if chosen is not None:
        offering = st.session_state.get(OFFER_PANEL) == str(chosen)
        listing = st.session_state.get(SAVED_REPLIES_PANEL) == str(chosen)
        about = st.session_state.get(f"{SELECTED_COMMENT_KEY}:{chosen}")
        one = page.read(
            lambda scope: load_conversation(
                scope, page, chosen, offering=offering, listing=listing, about=about
            )
        )
        with middle, st.container(key="inbox-open"):
            _render_thread(page, found, one)
            if one.desk.public:
                comment_panel.render_comment_panel(page, one)
            else:
                conversation_panel.render_conversation_panel(page, one)
        with right:
            _render_fan_card(page, found, one)
            if not one.desk.public:
                fan_predictions.render_predictions(page, one.predictions)
            memory_panel.render_memory(page, one)
            conversation_panel.render_notes(page, one)
    else:
        with middle:
            draw_template("shell/templates/empty_note.html", note=page.text("inbox.choose"))
    _rerun_on_change(page, chosen, found.mark)


def _open_and_load(scope: Scope, page: PageContext, chosen: UUID | None) -> InboxView:
    """Mark the open conversation as read before the list is read."""
    read_state.start_reading(scope, page.viewer.member.id)
    if chosen is not None:
        open_conversation(scope, page, chosen)
    wanted = list_panel.current_filter()
    return load_inbox(scope, page, chosen, wanted, most=list_panel.current_length())


def _find_selected_conversation(page: PageContext) -> UUID | None:
    """Return the conversation in the URL. Raise NotFound for an invalid ID or a conversation of
    another member's creator."""
    if st.session_state.pop(CLOSING, False):
        _close_conversation()
    text = st.query_params.get(CHAT, "")
    if not text:
        return None
    try:
        asked = UUID(text)
    except ValueError:
        raise NotFound("conversation.unknown") from None
    page.read(lambda scope: conversation_creator(scope, page, asked))
    return asked


@st.fragment(run_every=TICK)
def _rerun_on_change(drawn: PageContext, chosen: UUID | None, seen: str) -> None:
    """Rerun the page when something changed. The fragment renders nothing itself, so that a refresh
    does not interrupt typing."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    try:
        mark = page.read(lambda scope: renew_presence(scope, page, chosen))
    except NotFound:  # The creator was taken from the member: the page explains it.
        mark = ""
    if mark != seen:
        st.rerun()


def go_to_conversation(conversation_id: UUID) -> None:
    """Open a conversation."""
    st.query_params[CHAT] = str(conversation_id)


def _render_thread(page: PageContext, found: InboxView, one: ConversationView) -> None:
    st.button(
        page.text("inbox.back"),
        key="inbox-back",
        on_click=_close_conversation,
        icon=":material/arrow_back:",
    )
    owner = page.text(f"state.owner.{one.desk.owner}")
    if one.desk.owner == "human":
        name = found.members.get(one.desk.member_id, "?") if one.desk.member_id else "?"
        owner = page.text("inbox.mine") if one.mine else page.text("inbox.held_by", name=name)
    with st.container(height=LINES_HEIGHT, key="inbox-lines", autoscroll=True):
        draw_template(
            "pages/inbox/templates/thread.html",
            one=one,
            owner=owner,
            kinds=KINDS,
            now=found.now,
            unsent=[kept for kept in one.desk.unsent if kept.state != "pending" or kept.text],
            sent=_last_sent(one.desk.lines),
            present=list_panel.presence_text(page, found, one.desk.id),
            voice=page.localizer,
            word=page.text,
        )


def _last_sent(lines: Sequence[ThreadLine]) -> int:
    """Return the number of the last message if it is ours, otherwise 0. The platform has accepted
    it; no platform reports to this system when a fan reads or types."""
    return lines[-1].seq if lines and lines[-1].author != "fan" else 0


def _close_conversation() -> None:
    st.query_params.pop(CHAT, None)


def _render_fan_card(page: PageContext, found: InboxView, one: ConversationView) -> None:
    money = page.has_right(Right.MONEY)
    language = Locale.parse(page.localizer.language).languages.get(
        one.card.language, one.card.language
    )
    if one.card.age.over_18:
        age = "confirmed"
    elif one.card.age.can_be_messaged:
        age = "unknown"
    else:
        age = "stopped"
    draw_template(
        "pages/inbox/templates/fan_card.html",
        one=one,
        money=money,
        spent=_format_spent_amounts(page, one.card.spent) if money else [],
        age=age,
        language=language,
        since=page.localizer.format_full_date(one.card.since.astimezone(page.localizer.zone)),
        members=found.members,
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )


def _format_spent_amounts(page: PageContext, spent: Mapping[str, int]) -> list[str]:
    return [
        page.localizer.format_money(Money(minor, currency))
        for currency, minor in sorted(spent.items())
        if minor
    ]
