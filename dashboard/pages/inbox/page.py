"""The inbox page: the list of conversations, the open conversation and the fan card. The refreshing
fragment contains no input fields."""

from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import streamlit as st
from babel import Locale

from connectors.contract.chats import AttachmentKind
from dashboard.pages.inbox import comment_panel, conversation_panel, memory_panel
from dashboard.pages.inbox.actions import OFFER_PANEL, SAVED_REPLIES_PANEL, SELECTED_COMMENT_KEY
from dashboard.pages.inbox.queries import (
    ConversationView,
    InboxView,
    change_marker,
    conversation_creator,
    load_conversation,
    load_inbox,
)
from dashboard.shell import page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.errors import NotFound
from foundation.money import Money
from subscribers.inbox.queries import InboxEntry
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

LIST_HEIGHT = 640
LINES_HEIGHT = 460
"""Heights in pixels. Long content scrolls within its pane, so that the reply field remains visible.
"""

SAID = 42
"""Maximum number of characters of the last message in the list."""


def render_page(page: PageContext) -> None:
    """Render the three panes. On a phone only one is visible at a time."""
    draw_template("pages/inbox/templates/style.html")
    chosen = _find_selected_conversation(page)
    found = page.read(lambda scope: load_inbox(scope, page, chosen))
    if not found.groups:
        draw_template(
            "pages/inbox/templates/empty.html",
            known=bool(found.creators),
            windows=found.windows,
            word=page.text,
        )
        _rerun_on_change(page, chosen, found.mark)
        return
    left, middle, right = st.columns([1, 1.7, 0.9], gap="medium")
    with left, st.container(key="inbox-list"):
        _render_conversation_list(page, found, chosen)
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
            memory_panel.render_memory(page, one)
            conversation_panel.render_notes(page, one)
    else:
        with middle:
            draw_template("shell/templates/empty_note.html", note=page.text("inbox.choose"))
    _rerun_on_change(page, chosen, found.mark)


def _find_selected_conversation(page: PageContext) -> UUID | None:
    """Return the conversation in the URL. Raise NotFound for an invalid ID or a conversation of
    another member's creator."""
    text = st.query_params.get("chat", "")
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
    if page.read(lambda scope: change_marker(scope, page, chosen)) != seen:
        st.rerun()


def _render_conversation_list(page: PageContext, found: InboxView, chosen: UUID | None) -> None:
    order = found.conversation_order
    at = order.index(chosen) if chosen in order else -1
    with st.container(horizontal=True, gap="small"):
        before = order[max(at - 1, 0)]
        after = order[min(at + 1, len(order) - 1)]
        st.button(
            page.text("inbox.before"),
            key="inbox:before",
            shortcut="K",
            on_click=open_conversation,
            args=(before,),
        )
        st.button(
            page.text("inbox.after"),
            key="inbox:after",
            shortcut="J",
            on_click=open_conversation,
            args=(after,),
        )
    with st.container(height=LIST_HEIGHT, border=False, key="inbox-rows"):
        _render_conversation_rows(page, found, chosen)
    draw_template(
        "pages/inbox/templates/footer.html", now=found.now, voice=page.localizer, word=page.text
    )


def _render_conversation_rows(page: PageContext, found: InboxView, chosen: UUID | None) -> None:
    several = len(found.creators) > 1
    for group, rows in found.groups.items():
        draw_template(
            "pages/inbox/templates/group.html", group=group, count=len(rows), word=page.text
        )
        for row in rows:
            st.button(
                _conversation_label(page, found, row, several=several),
                key=f"inbox:go:{row.id}",
                type="primary" if row.id == chosen else "secondary",
                width="stretch",
                on_click=open_conversation,
                args=(row.id,),
            )


def open_conversation(conversation_id: UUID) -> None:
    """Open a conversation."""
    st.query_params[CHAT] = str(conversation_id)


def _conversation_label(
    page: PageContext, found: InboxView, row: InboxEntry, *, several: bool
) -> str:
    whose_chat = f" · {escape_label(found.creators[row.creator_id].name)}" if several else ""
    if row.waits_since is not None:
        minutes = int((found.now - row.waits_since).total_seconds() // 60)
        when = (
            page.text("inbox.waits", minutes=minutes)
            if minutes < 100
            else page.localizer.format_moment(row.waits_since, found.now)
        )
    else:
        when = (
            page.localizer.format_moment(row.last_in_at, found.now)
            if row.last_in_at is not None
            else ""
        )
    words = " ".join(row.said.split())
    said = words if len(words) <= SAID else f"{words[: SAID - 1]}…"
    return f"**{escape_label(row.fan)}**{whose_chat} · {when}  \n{escape_label(said)}"


def escape_label(text: str) -> str:
    """Escape the Markdown characters of user text for a button label."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>#:$~|!" else sign for sign in text)


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
            writing=[found.members.get(member, "?") for member in one.desk.writing],
            voice=page.localizer,
            word=page.text,
        )


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
