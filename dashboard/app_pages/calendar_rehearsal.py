"""Rehearsing a post, an account or the whole agency: everything is done but the sending."""

from functools import partial
from uuid import UUID

import streamlit as st

from channels import reads as channel_reads
from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.posts import Opened
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from schedules import reads as schedule_reads
from schedules import rehearsing
from schedules.rehearsing import What
from schedules.states import CANCELLABLE
from tenants.roles import Right


def show(page: Page, found: Opened) -> None:
    """The press by which a post is only rehearsed, or is one again that leaves; not where its beginning left."""
    if found.rehearsed or any(place.entry.state in CANCELLABLE for place in found.places):
        _press(page, "post", found.post.id, runs=found.rehearsed)


def of_account(page: Page, channel_id: UUID, running: dict[UUID, What]) -> None:
    """The same for an account."""
    _press(page, "channel", channel_id, runs=channel_id in running)


def of_agency(page: Page, running: dict[UUID, What]) -> None:
    """The same for everything, and what it means; for who sees all of it."""
    if page.who.member.creators:
        return
    st.subheader(page.word("rehearsal.title"), anchor="rehearsal")
    st.write(page.word("rehearsal.explained"))
    if page.who.tenant_id in running:
        st.info(page.word("rehearsal.all_runs"))
    _press(page, "tenant", page.who.tenant_id, runs=page.who.tenant_id in running)


def _press(page: Page, what: What, of_id: UUID, *, runs: bool) -> None:
    if runs:
        code = f"rehearsal.end_{what}"
        acting.button(page, code, partial(_end, page, what, of_id), right=Right.RUN, key=f"{code}:{of_id}")
        return
    code = f"rehearsal.begin_{what}"
    with st.popover(page.word(code)):  # what waited to leave does not: it is read first
        draw("calendar_note.html", note=page.word(f"{code}_asked"))
        act = partial(_begin, page, what, of_id)
        acting.button(page, "rehearsal.begin_sure", act, right=Right.RUN, key=f"{code}:{of_id}")


def _begin(page: Page, what: What, of_id: UUID, scope: Scope, _: UUID) -> Message:
    _mine(page, scope, what, of_id)
    return Message("rehearsal.begun", {"count": rehearsing.begin(scope, what, of_id)})


def _end(page: Page, what: What, of_id: UUID, scope: Scope, _: UUID) -> Message:
    _mine(page, scope, what, of_id)
    rehearsing.end(scope, of_id)
    return Message("rehearsal.ended")


def _mine(page: Page, scope: Scope, what: What, of_id: UUID) -> None:
    """Raise NotFound for what is of a creator who is not this member's."""
    if what == "post":
        page.my(scope, schedule_reads.written_post(scope, of_id).creator_id)
    elif what == "channel":
        page.my(scope, channel_reads.channel(scope, of_id).creator_id)
    elif page.who.member.creators:
        raise NotFound("rehearsal.unknown")
