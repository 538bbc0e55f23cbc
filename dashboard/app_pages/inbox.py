"""Messages: what asks for a person, one conversation, and the fan beside it. What ticks holds nothing one types in."""

from collections.abc import Mapping
from typing import get_args
from uuid import UUID

import streamlit as st
from babel import Locale

from connectors.enclosing import Shows
from dashboard import frame
from dashboard.app_pages import inbox_desk, inbox_public
from dashboard.app_pages.inbox_acts import ABOUT, OFFERING, SAVED
from dashboard.frame import Page
from dashboard.reads.inbox import Inbox, Opened, listed, mark, opened, whose
from dashboard.widgets import draw
from foundation.errors import NotFound
from foundation.money import Money
from subscribers.inbox import Row
from tenants.roles import Right

TICK = "2s"
"""How often one value is read; only when it changed is anything drawn again."""

KINDS = frozenset(
    {"notice", "invoice", "pack", "locked", "button", "age", "stop", "join", "edited", "unsupported"}
    | set(get_args(Shows)) - {""}
)
"""Lines that say more than their words."""

CHAT = "chat"
"""Names the open conversation in the address."""

LIST_HEIGHT, LINES_HEIGHT = 640, 460
"""In pixels: what is long scrolls inside, and what one writes in stays in sight."""

SAID = 42
"""Characters of the last line in the list."""


def show(page: Page) -> None:
    """Draw the three panes; on a telephone one at a time."""
    draw("inbox_style.html")
    chosen = _chosen(page)
    found = page.read(lambda scope: listed(scope, page, chosen))
    if not found.groups:
        draw("inbox_empty.html", known=bool(found.creators), windows=found.windows, word=page.word)
        _pulse(page, chosen, found.mark)
        return
    left, middle, right = st.columns([1, 1.7, 0.9], gap="medium")
    with left, st.container(key="inbox-list"):
        _list(page, found, chosen)
    if chosen is not None:
        offering = st.session_state.get(OFFERING) == str(chosen)
        listing = st.session_state.get(SAVED) == str(chosen)
        about = st.session_state.get(f"{ABOUT}:{chosen}")
        one = page.read(lambda scope: opened(scope, page, chosen, offering=offering, listing=listing, about=about))
        with middle, st.container(key="inbox-open"):
            _thread(page, found, one)
            (inbox_public if one.desk.public else inbox_desk).desk(page, one)
        with right:
            _card(page, found, one)
            inbox_desk.notes(page, one)
    else:
        with middle:
            draw("shop_note.html", note=page.word("inbox.choose"))
    _pulse(page, chosen, found.mark)


def _chosen(page: Page) -> UUID | None:
    """The conversation of the address, once a scoped read found it. Raises NotFound for any other."""
    text = st.query_params.get("chat", "")
    if not text:
        return None
    try:
        asked = UUID(text)
    except ValueError:
        raise NotFound("conversation.unknown") from None
    page.read(lambda scope: whose(scope, page, asked))
    return asked


@st.fragment(run_every=TICK)
def _pulse(drawn: Page, chosen: UUID | None, seen: str) -> None:
    """Draw the page anew once something of it changed; it draws nothing itself, so that nobody types in it."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    if page.read(lambda scope: mark(scope, page, chosen)) != seen:
        st.rerun()


def _list(page: Page, found: Inbox, chosen: UUID | None) -> None:
    order = found.order
    at = order.index(chosen) if chosen in order else -1
    with st.container(horizontal=True, gap="small"):
        before, after = order[max(at - 1, 0)], order[min(at + 1, len(order) - 1)]
        st.button(page.word("inbox.before"), key="inbox:before", shortcut="K", on_click=open_chat, args=(before,))
        st.button(page.word("inbox.after"), key="inbox:after", shortcut="J", on_click=open_chat, args=(after,))
    with st.container(height=LIST_HEIGHT, border=False, key="inbox-rows"):
        _rows(page, found, chosen)
    draw("inbox_foot.html", now=found.now, voice=page.voice, word=page.word)


def _rows(page: Page, found: Inbox, chosen: UUID | None) -> None:
    several = len(found.creators) > 1
    for group, rows in found.groups.items():
        draw("inbox_group.html", group=group, count=len(rows), word=page.word)
        for row in rows:
            st.button(
                _label(page, found, row, several=several),
                key=f"inbox:go:{row.id}",
                type="primary" if row.id == chosen else "secondary",
                width="stretch",
                on_click=open_chat,
                args=(row.id,),
            )


def open_chat(conversation_id: UUID) -> None:
    """Go to a conversation."""
    st.query_params[CHAT] = str(conversation_id)


def _label(page: Page, found: Inbox, row: Row, *, several: bool) -> str:
    whose_chat = f" · {plain(found.creators[row.creator_id].name)}" if several else ""
    if row.waits_since is not None:
        minutes = int((found.now - row.waits_since).total_seconds() // 60)
        when = (
            page.word("inbox.waits", minutes=minutes)
            if minutes < 100
            else page.voice.moment(row.waits_since, found.now)
        )
    else:
        when = page.voice.moment(row.last_in_at, found.now) if row.last_in_at is not None else ""
    words = " ".join(row.said.split())
    said = words if len(words) <= SAID else f"{words[: SAID - 1]}…"
    return f"**{plain(row.fan)}**{whose_chat} · {when}  \n{plain(said)}"


def plain(text: str) -> str:
    """Words of people as they are, in a label that reads marks."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]()<>#:$~|!" else sign for sign in text)


def _thread(page: Page, found: Inbox, one: Opened) -> None:
    st.button(page.word("inbox.back"), key="inbox-back", on_click=_close, icon=":material/arrow_back:")
    owner = page.word(f"state.owner.{one.desk.owner}")
    if one.desk.owner == "human":
        name = found.members.get(one.desk.member_id, "?") if one.desk.member_id else "?"
        owner = page.word("inbox.mine") if one.mine else page.word("inbox.held_by", name=name)
    with st.container(height=LINES_HEIGHT, key="inbox-lines", autoscroll=True):
        draw(
            "inbox_thread.html",
            one=one,
            owner=owner,
            kinds=KINDS,
            now=found.now,
            unsent=[kept for kept in one.desk.unsent if kept.state != "pending" or kept.text],
            writing=[found.members.get(member, "?") for member in one.desk.writing],
            voice=page.voice,
            word=page.word,
        )


def _close() -> None:
    st.query_params.pop(CHAT, None)


def _card(page: Page, found: Inbox, one: Opened) -> None:
    money = page.may(Right.MONEY)
    language = Locale.parse(page.voice.language).languages.get(one.card.language, one.card.language)
    draw(
        "inbox_card.html",
        one=one,
        money=money,
        spent=_spent(page, one.card.spent) if money else [],
        age="confirmed" if one.card.age.over_18 else "unknown" if one.card.age.welcome else "stopped",
        language=language,
        since=page.voice.day_of(one.card.since.astimezone(page.voice.zone)),
        members=found.members,
        now=found.now,
        voice=page.voice,
        word=page.word,
    )


def _spent(page: Page, spent: Mapping[str, int]) -> list[str]:
    return [page.voice.money(Money(minor, currency)) for currency, minor in sorted(spent.items()) if minor]
