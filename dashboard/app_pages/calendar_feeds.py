"""Feeds of a creator: pages elsewhere whose new entries become drafts."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.frame import Page
from dashboard.reads.files import Followed, followed
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import feeds
from schedules.feeds import A_DAY, Subscribed
from tenants.reads import Creator
from tenants.roles import Right

TICK = "5s"
CREATOR, URL, ACCOUNTS = "feeds:creator", "feeds:url", "feeds:accounts"
Act = Callable[[Scope, UUID, UUID], None]


def show(page: Page, mine: Sequence[Creator]) -> None:
    """Draw the feeds of a creator, and where another one is added."""
    draw("files_part.html", title=page.word("files.feeds"), note=page.word("files.feeds_what", count=A_DAY))
    creator = mine[0]
    if len(mine) > 1:
        names = {one.slug: one for one in mine}
        slug = st.selectbox(
            page.word("calendar.creator"),
            list(names),
            format_func=lambda one: names[one].name,
            key=CREATOR,
            width=220,
        )
        creator = names.get(slug or "", creator)
    _list(page, creator.id)
    _form(page, page.read(lambda scope: followed(scope, page.my(scope, creator.id))))


@st.fragment(run_every=TICK)
def _list(drawn: Page, creator_id: UUID) -> None:
    """The feeds as they stand; read again while one looks."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    acting.say_told(page, "files:feeds")
    found = page.read(lambda scope: followed(scope, page.my(scope, creator_id)))
    if not found.feeds:
        draw("calendar_note.html", note=page.word("files.feeds_none"))
    for one in found.feeds:
        with st.container(border=True, key=f"feed:{one.id}"):
            names = [found.accounts[channel] for channel in one.channels if channel in found.accounts]
            draw("files_feed.html", one=one, names=names, now=found.now, voice=page.voice, word=page.word)
            _acts(page, creator_id, one)


def _acts(page: Page, creator_id: UUID, one: Subscribed) -> None:
    with st.container(horizontal=True, gap="small"):
        _button(page, ("files.feed_read", "files.feed_read_done"), feeds.resume, creator_id, one)
        if not one.paused:
            _button(page, ("files.feed_pause", "files.feed_pause_done"), feeds.pause, creator_id, one)
        with st.popover(page.word("files.feed_remove")):
            draw("calendar_note.html", note=page.word("files.feed_remove_asked"))
            _button(page, ("files.feed_remove_sure", "files.feed_removed"), feeds.remove, creator_id, one)


def _button(page: Page, codes: tuple[str, str], act: Act, creator_id: UUID, one: Subscribed) -> None:
    """A press of the first code does it, and then the second is said."""
    done = partial(_done, page, act, codes[1], (creator_id, one.id))
    acting.button(page, codes[0], done, right=Right.RUN, key=f"{codes[0]}:{one.id}")


def _done(page: Page, act: Act, code: str, about: tuple[UUID, UUID], scope: Scope, _: UUID) -> Message:
    page.my(scope, about[0])
    act(scope, *about)
    return Message(code)


def _form(page: Page, found: Followed) -> None:
    if not found.accounts:
        draw("calendar_note.html", note=page.word("files.feeds_no_accounts"))
        return
    creator_id = found.creator.id
    with st.form("feeds:add", border=True, clear_on_submit=True):
        st.text_input(page.word("files.feed_url"), key=f"{URL}:{creator_id}", max_chars=feeds.LONGEST_ADDRESS)
        st.multiselect(
            page.word("files.feed_accounts"),
            [str(one) for one in found.accounts],
            format_func=lambda one: found.accounts[UUID(one)],
            key=f"{ACCOUNTS}:{creator_id}",
            placeholder=page.word("files.feed_choose"),
            select_all=False,
        )
        acting.submit(page, "files.feed_add", partial(_add, page, creator_id), right=Right.RUN, key="feeds:add:go")


def _add(page: Page, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    url, accounts = acting.typed(f"{URL}:{creator_id}"), acting.typed(f"{ACCOUNTS}:{creator_id}")
    feeds.add(scope, creator_id, str(url or ""), [UUID(one) for one in accounts or []])
    return Message("files.feed_added")
