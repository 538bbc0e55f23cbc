"""List panel: search, filters, and the list of conversations with their read state, snooze and the
members who have them open."""

import re
from collections.abc import Callable
from uuid import UUID

import streamlit as st

from dashboard.pages.inbox.queries import InboxView
from dashboard.shell import actions, marks
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.search_words import MAX_SEARCH_LENGTH
from foundation.i18n.translation import Message
from insights.predictions.limits import GRADES
from subscribers.inbox import read_state
from subscribers.inbox.conversation_list import (
    MAX_RESULTS,
    RESULTS,
    InboxEntry,
    InboxFilter,
    InboxOrder,
    SpenderFilter,
)
from tenants.agencies.rights import Right

SEARCH = "inbox:search"
SHOWN = "inbox:shown"
CREATOR = "inbox:creator"
CHANNEL = "inbox:channel"
SPENDER = "inbox:spender"
GRADE = "inbox:grade"
ORDER = "inbox:order"
MOST = "inbox:most"
"""Session keys of the search and the filters, and of the length of a filtered list."""

UNREAD = "unread"
WAITING = "waiting"
COMMENTS = "comments"
QUICK_FILTERS = (UNREAD, WAITING, COMMENTS)

SEARCH_PAUSE = "400ms"
"""Pause in typing after which the search runs."""

LIST_HEIGHT = 640
"""Height in pixels. The rows scroll within the pane, so that the search remains visible."""

SAID = 42
BEFORE = 12
"""Maximum number of characters of the last message in the list, and of those before the searched
word."""

OpenConversation = Callable[[UUID], None]


def apply_address() -> None:
    """Set the quick filter of a link to the inbox, such as `?show=comments`, once."""
    asked = st.query_params.pop("show", "")
    if asked in QUICK_FILTERS:
        st.session_state[SHOWN] = [asked]


def current_filter() -> InboxFilter:
    """Return the search and the filters that the member has set."""
    shown = actions.typed_value(SHOWN) or ()
    return InboxFilter(
        words=str(actions.typed_value(SEARCH) or "").strip()[:MAX_SEARCH_LENGTH],
        unread=UNREAD in shown,
        waiting=WAITING in shown,
        comments=COMMENTS in shown,
        creator_id=actions.typed_value(CREATOR),
        channel_id=actions.typed_value(CHANNEL),
        spender=SpenderFilter(actions.typed_value(SPENDER) or SpenderFilter.ANY),
        grade=actions.typed_value(GRADE) or "",
        order=InboxOrder(actions.typed_value(ORDER) or InboxOrder.NEWEST),
    )


def current_length() -> int:
    """Return the maximum number of conversations of a filtered list."""
    return int(st.session_state.get(MOST, RESULTS))


def _start_over() -> None:
    st.session_state.pop(MOST, None)


def render_list(
    page: PageContext, found: InboxView, chosen: UUID | None, go: OpenConversation
) -> None:
    """Render the search, the filters and the conversations. `go` opens one."""
    _render_search(page)
    with st.container(horizontal=True, gap="xsmall", vertical_alignment="center"):
        _render_quick_filters(page)
        _render_filters(page, found)
    with st.container(horizontal=True, gap="small", key="inbox-steps"):
        _render_steps(page, found, chosen, go)
    _draw_row_marks(page, found)
    with st.container(height=LIST_HEIGHT, border=False, key="inbox-rows"):
        if found.wanted.is_active:
            _render_results(page, found, chosen, go)
        for group, rows in found.groups.items():
            draw_template(
                "pages/inbox/templates/group.html", group=group, count=len(rows), word=page.text
            )
            for row in rows:
                _render_row(page, found, row, chosen, go)
    draw_template(
        "pages/inbox/templates/footer.html",
        now=found.now,
        unread=found.unread,
        most=read_state.MAX_COUNTED,
        voice=page.localizer,
        word=page.text,
    )


def _render_search(page: PageContext) -> None:
    st.text_input(
        page.text("inbox.search"),
        key=SEARCH,
        type="search",
        icon=":material/search:",
        placeholder=page.text("inbox.search_in"),
        label_visibility="collapsed",
        live=SEARCH_PAUSE,
        persist_state="session",
        on_change=_start_over,
    )


def _render_quick_filters(page: PageContext) -> None:
    st.pills(
        page.text("inbox.show"),
        QUICK_FILTERS,
        selection_mode="multi",
        format_func=lambda one: page.text(f"inbox.filter.{one}"),
        key=SHOWN,
        label_visibility="collapsed",
        persist_state="session",
        on_change=_start_over,
    )


def _render_filters(page: PageContext, found: InboxView) -> None:
    wanted = found.wanted
    chosen = (
        wanted.creator_id,
        wanted.channel_id,
        wanted.spender is not SpenderFilter.ANY,
        wanted.grade,
        wanted.order is not InboxOrder.NEWEST,
    )
    count = sum(map(bool, chosen))
    label = page.text("inbox.filters_set", count=count) if count else page.text("inbox.filters")
    with st.popover(label, icon=":material/filter_list:"):
        _render_filter_choices(page, found)


def _render_filter_choices(page: PageContext, found: InboxView) -> None:
    """Render the choices of creator, channel and purchases. A choice that no longer exists is
    dropped, so that it does not hide everything."""
    channels = {
        key: f"{one.name} · {page.text(f'platform.{one.platform}')}"
        for key, one in found.channels.items()
        if found.wanted.creator_id in (None, one.creator_id)
    }
    creators = {key: one.name for key, one in found.creators.items()}
    _render_choice(page, CREATOR, "inbox.filter.creator", creators)
    _render_choice(page, CHANNEL, "inbox.filter.channel", channels)
    st.selectbox(
        page.text("inbox.filter.spender"),
        list(SpenderFilter),
        format_func=lambda one: page.text(f"inbox.spender.{one}"),
        key=SPENDER,
        persist_state="session",
        on_change=_start_over,
    )
    st.selectbox(
        page.text("inbox.filter.grade"),
        [None, *GRADES],
        format_func=lambda one: one or page.text("inbox.filter.all"),
        key=GRADE,
        persist_state="session",
        on_change=_start_over,
    )
    st.selectbox(
        page.text("inbox.filter.order"),
        # Amounts are hidden from members who may not see money, and so is their order.
        [one for one in InboxOrder if one != InboxOrder.VALUE or page.has_right(Right.MONEY)],
        format_func=lambda one: page.text(f"inbox.order.{one}"),
        key=ORDER,
        persist_state="session",
        on_change=_start_over,
    )
    actions.action_button(
        page,
        "inbox.mark_all_read",
        lambda scope, _press: _mark_all_read(page, scope),
        right=Right.CHAT,
        key="inbox:all-read",
        icon=":material/done_all:",
    )


def _render_choice(page: PageContext, key: str, label: str, names: dict[UUID, str]) -> None:
    if st.session_state.get(key) not in (None, *names):
        st.session_state[key] = None
    st.selectbox(
        page.text(label),
        [None, *names],
        format_func=lambda one: names[one] if one is not None else page.text("inbox.filter.all"),
        key=key,
        persist_state="session",
        on_change=_start_over,
    )


def _mark_all_read(page: PageContext, scope: Scope) -> Message:
    read_state.mark_all_read(scope, page.viewer.member.id)
    return Message("inbox.all_read")


def clear_filters() -> None:
    """Remove the search and all filters."""
    st.session_state.update({SEARCH: "", SHOWN: [], CREATOR: None, CHANNEL: None})
    st.session_state.update({SPENDER: SpenderFilter.ANY, GRADE: None, ORDER: InboxOrder.NEWEST})
    _start_over()


def _render_steps(
    page: PageContext, found: InboxView, chosen: UUID | None, go: OpenConversation
) -> None:
    order = found.conversation_order
    if not order:
        return
    at = order.index(chosen) if chosen in order else -1
    steps = (
        ("inbox.before", "inbox:before", "K", max(at - 1, 0)),
        ("inbox.after", "inbox:after", "J", min(at + 1, len(order) - 1)),
    )
    for code, key, shortcut, index in steps:
        st.button(page.text(code), key=key, shortcut=shortcut, on_click=go, args=(order[index],))


def _render_results(
    page: PageContext, found: InboxView, chosen: UUID | None, go: OpenConversation
) -> None:
    draw_template(
        "pages/inbox/templates/results.html",
        count=len(found.results),
        more=found.has_more or len(found.results) == MAX_RESULTS,
        word=page.text,
    )
    if found.wanted.comments and found.results:
        is_estimated = any(row.toxicity is not None for row in found.results)
        st.caption(page.text("inbox.sorted" if is_estimated else "inbox.not_sorted"))
    st.button(
        page.text("inbox.clear_filters"),
        key="inbox:clear",
        icon=":material/close:",
        on_click=clear_filters,
    )
    for row in found.results:
        _render_row(page, found, row, chosen, go)
    if found.has_more:
        st.button(page.text("inbox.show_more"), key="inbox:more", on_click=_show_more)


def _show_more() -> None:
    st.session_state[MOST] = min(current_length() + RESULTS, MAX_RESULTS)


def _render_row(
    page: PageContext,
    found: InboxView,
    row: InboxEntry,
    chosen: UUID | None,
    go: OpenConversation,
) -> None:
    st.button(
        conversation_label(page, found, row),
        key=f"inbox:go:{row.id}",
        type="primary" if row.id == chosen else "secondary",
        width="stretch",
        on_click=go,
        args=(row.id,),
    )


def _draw_row_marks(page: PageContext, found: InboxView) -> None:
    """Draw the avatar and the network of each row by style rules: a button contains only text."""
    rows = []
    for row in (*found.results, *(one for group in found.groups.values() for one in group)):
        channel = found.channels.get(row.channel_id)
        platform = channel.platform if channel is not None else ""
        letters, color = marks.channel_mark(platform)
        rows.append(
            {
                "id": row.id,
                "initials": css_text(marks.name_initials(row.fan)),
                "color": marks.avatar_color(row.fan),
                "letters": css_text(letters),
                "platform": css_text(page.text(f"platform.{platform}") if platform else ""),
                "channel_color": color,
            }
        )
    draw_template("pages/inbox/templates/row_marks.html", rows=rows)


def css_text(text: str) -> str:
    """Return a text for a string of a style sheet, each character as its code point."""
    return "".join(f"\\{ord(sign):x} " for sign in text)


def conversation_label(page: PageContext, found: InboxView, row: InboxEntry) -> str:
    """Return the label of a row: fan, read state, presence, time, creator and the last message. The
    end of a long line is cut."""
    parts = [f"**{escape_label(row.fan)}**"]
    if row.unread:
        parts.append(f"● {page.text('inbox.unread')}")
    if here := presence_text(page, found, row.id):
        parts.append(escape_label(here))
    parts.append(_time_text(page, found, row))
    if len(found.creators) > 1:
        parts.append(escape_label(found.creators[row.creator_id].name))
    said = escape_label(_excerpt(row.said, found.wanted.words))
    about = escape_label(" · ".join(_facts_of_fan(page, row)))
    return "  \n".join(filter(None, (" · ".join(filter(None, parts)), said, about)))


def _facts_of_fan(page: PageContext, row: InboxEntry) -> list[str]:
    """Return the grade of the lead and, with the right to see money, the last purchase and the
    expected value."""
    found = [page.text("inbox.row.lead", grade=row.grade)] if row.grade else []
    if page.has_right(Right.MONEY):
        amounts = (("inbox.row.bought", row.last_purchase), ("inbox.row.expected", row.value))
        found += [
            page.text(code, amount=page.localizer.format_money(amount))
            for code, amount in amounts
            if amount is not None
        ]
    return found


def presence_text(page: PageContext, found: InboxView, conversation_id: UUID) -> str:
    """Return what other members do in a conversation now, or ""."""
    return " · ".join(
        page.text(
            "inbox.replying" if one.active else "inbox.viewing",
            name=found.members.get(one.member_id, "?"),
        )
        for one in found.present.get(conversation_id, ())
    )


def _time_text(page: PageContext, found: InboxView, row: InboxEntry) -> str:
    """Return the end of the snooze, since when the fan waits, or when they last wrote."""
    voice = page.localizer
    if row.snoozed_until is not None:
        until = row.snoozed_until
        if row.is_snoozed(found.now):
            return page.text("inbox.snoozed_until", until=voice.format_moment(until, found.now))
        return page.text("inbox.snooze_ended", until=voice.format_when(until, found.now))
    if row.waits_since is not None:
        minutes = int((found.now - row.waits_since).total_seconds() // 60)
        return (
            page.text("inbox.waits", minutes=minutes)
            if minutes < 100
            else voice.format_moment(row.waits_since, found.now)
        )
    return voice.format_moment(row.last_in_at, found.now) if row.last_in_at is not None else ""


def _excerpt(said: str, words: str) -> str:
    """Return the beginning of a message, or the part of it with the first searched word."""
    text = " ".join(said.split())
    first = next(iter(words.split()), "")
    place = re.search(re.escape(first), text, re.IGNORECASE) if first else None
    if place is not None and place.end() > SAID:
        text = f"…{text[max(place.start() - BEFORE, 0) :]}"
    return text if len(text) <= SAID else f"{text[: SAID - 1]}…"


def escape_label(text: str) -> str:
    """Escape the Markdown characters of user text for a button label."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>#:$~|!" else sign for sign in text)
