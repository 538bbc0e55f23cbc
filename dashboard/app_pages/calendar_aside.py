"""Drafts: posts that were put aside, to go on with or to throw away."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import calendar_filters, compose_draft
from dashboard.frame import Page
from dashboard.reads.aside import Item, items
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import aside
from schedules import reads as schedule_reads
from schedules.drafting import as_written
from tenants.roles import Right


def show(page: Page) -> None:
    """Draw the list."""
    calendar_filters.way_back(page)
    st.title(page.word("calendar.aside"))
    acting.say_told(page, "aside")
    now, found = page.read(lambda scope: (scope.now, items(scope, page.mine(scope))))
    if not found:
        draw("calendar_empty.html", code="aside.none", word=page.word)
    for one in found:
        _one(page, one, now)


def _one(page: Page, one: Item, now: datetime) -> None:
    post_id = one.aside.post.id
    with st.container(border=True, key=f"aside:{post_id}"):
        draw("aside.html", one=one, now=now, voice=page.voice.at(one.creator.zone), word=page.word)
        if one.aside.labels:
            draw("labels.html", labels=one.aside.labels, voice=page.voice)
        with st.container(horizontal=True, gap="small"):
            labels = [each.id for each in one.aside.labels]
            st.button(
                page.word("aside.go_on"),
                icon=":material/edit:",
                key=f"aside:on:{post_id}",
                on_click=_go_on,
                args=(one, labels),
            )
            with st.popover(page.word("aside.throw")):
                draw("calendar_note.html", note=page.word("aside.throw_asked"))
                act = partial(_throw, page, post_id)
                acting.button(page, "aside.throw_sure", act, right=Right.RUN, key=f"aside:off:{post_id}")


def _go_on(one: Item, labels: Sequence[UUID]) -> None:
    """Open it to be written on, in a callback."""
    post = one.aside.post
    compose_draft.duplicate(post, one.there, one.creator.slug, labels=labels)
    st.session_state.update({compose_draft.ASIDE: str(post.id), compose_draft.SEEN: as_written(post).content})


def _throw(page: Page, post_id: UUID, scope: Scope, _: UUID) -> Message:
    page.my(scope, schedule_reads.written_post(scope, post_id).creator_id)
    aside.throw_away(scope, post_id)
    return Message("aside.thrown")
