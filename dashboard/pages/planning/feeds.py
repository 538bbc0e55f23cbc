"""RSS and Atom feeds of a creator; new entries become drafts."""

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.planning.import_export_queries import FeedsView, load_feeds
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.feeds import sources
from schedules.feeds.sources import MAX_DRAFTS_PER_DAY, FeedView
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

TICK = "5s"
CREATOR = "feeds:creator"
URL = "feeds:url"
ACCOUNTS = "feeds:accounts"
FeedAction = Callable[[Scope, UUID, UUID], None]


def render_feeds(page: PageContext, mine: Sequence[Creator]) -> None:
    """Draw a creator's feeds and the form that adds one."""
    draw_template(
        "pages/planning/templates/section.html",
        title=page.text("files.feeds"),
        note=page.text("files.feeds_what", count=MAX_DRAFTS_PER_DAY),
    )
    creator = mine[0]
    if len(mine) > 1:
        names = {one.slug: one for one in mine}
        slug = st.selectbox(
            page.text("calendar.creator"),
            list(names),
            format_func=lambda one: names[one].name,
            key=CREATOR,
            width=220,
        )
        creator = names.get(slug or "", creator)
    _render_feed_list(page, creator.id)
    _render_feed_form(
        page, page.read(lambda scope: load_feeds(scope, page.get_creator(scope, creator.id)))
    )


@st.fragment(run_every=TICK)
def _render_feed_list(drawn: PageContext, creator_id: UUID) -> None:
    """Draw the feeds in their current state; runs as a polling fragment."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    actions.show_notices(page, "files:feeds")
    found = page.read(lambda scope: load_feeds(scope, page.get_creator(scope, creator_id)))
    if not found.feeds:
        draw_template("shell/templates/note.html", note=page.text("files.feeds_none"))
    for one in found.feeds:
        with st.container(border=True, key=f"feed:{one.id}"):
            names = [
                found.accounts[channel] for channel in one.channels if channel in found.accounts
            ]
            draw_template(
                "pages/planning/templates/feed.html",
                one=one,
                names=names,
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            _render_feed_actions(page, creator_id, one)


def _render_feed_actions(page: PageContext, creator_id: UUID, one: FeedView) -> None:
    with st.container(horizontal=True, gap="small"):
        _render_feed_button(
            page, ("files.feed_read", "files.feed_read_done"), sources.resume_feed, creator_id, one
        )
        if not one.paused:
            _render_feed_button(
                page,
                ("files.feed_pause", "files.feed_pause_done"),
                sources.pause_feed,
                creator_id,
                one,
            )
        with st.popover(page.text("files.feed_remove")):
            draw_template("shell/templates/note.html", note=page.text("files.feed_remove_asked"))
            _render_feed_button(
                page,
                ("files.feed_remove_sure", "files.feed_removed"),
                sources.delete_feed,
                creator_id,
                one,
            )


def _render_feed_button(
    page: PageContext, codes: tuple[str, str], act: FeedAction, creator_id: UUID, one: FeedView
) -> None:
    """Draw a button with the first code as its label and the second as its confirmation."""
    done = partial(_run_feed_action, page, act, codes[1], (creator_id, one.id))
    actions.action_button(page, codes[0], done, right=Right.RUN, key=f"{codes[0]}:{one.id}")


def _run_feed_action(
    page: PageContext, act: FeedAction, code: str, about: tuple[UUID, UUID], scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, about[0])
    act(scope, *about)
    return Message(code)


def _render_feed_form(page: PageContext, found: FeedsView) -> None:
    if not found.accounts:
        draw_template("shell/templates/note.html", note=page.text("files.feeds_no_accounts"))
        return
    creator_id = found.creator.id
    with st.form("feeds:add", border=True):
        st.text_input(
            page.text("files.feed_url"),
            key=f"{URL}:{creator_id}",
            max_chars=sources.MAX_FEED_URL_LENGTH,
        )
        st.multiselect(
            page.text("files.feed_accounts"),
            [str(one) for one in found.accounts],
            format_func=lambda one: found.accounts[UUID(one)],
            key=f"{ACCOUNTS}:{creator_id}",
            placeholder=page.text("files.feed_choose"),
            select_all=False,
        )
        actions.submit_button(
            page,
            "files.feed_add",
            partial(_add_feed, page, creator_id),
            right=Right.RUN,
            key="feeds:add:go",
        )


def _add_feed(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator_id)
    url = actions.typed_value(f"{URL}:{creator_id}")
    accounts = actions.typed_value(f"{ACCOUNTS}:{creator_id}")
    sources.add_feed(scope, creator_id, str(url or ""), [UUID(one) for one in accounts or []])
    actions.clear_fields(f"{URL}:{creator_id}")
    return Message("files.feed_added")
