"""Asking somebody without an account for the second yes: the link they get, told once, and how it stands."""

from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.words import Message
from schedules import clients
from schedules.approvals import CONTENT_TIER
from schedules.clients import LONGEST_NAME, PATH, TIER, Link
from schedules.reviewing import Asked
from tenants.reads import Creator
from tenants.roles import Right

LINK = "approvals:link"
"""The post and the address that was made for it last: shown here while it may be answered, and nowhere else."""


def latest(scope: Scope, asked: Asked, creator: Creator) -> tuple[Link | None, datetime] | None:
    """The last link of a post whose second yes is missing, and the time; None for any other post."""
    first = any(word.tier == CONTENT_TIER and word.verdict == "yes" for word in asked.words)
    return (clients.latest(scope, asked.post_id), scope.now) if first and creator.approval_tiers >= TIER else None


def show(page: Page, asked: Asked, found: tuple[Link | None, datetime] | None) -> None:
    """Draw it, as `latest` found it."""
    if found is None:
        return
    last, now = found
    with st.expander(page.word("approvals.link_title"), expanded=last is not None):
        draw("approvals_link.html", last=last, now=now, voice=page.voice, word=page.word)
        made = st.session_state.get(LINK)
        if made is not None and made[0] == str(asked.post_id) and last is not None and not last.over(now):
            st.code(made[1], language=None)
            draw("approvals_note.html", note=page.word("approvals.link_once"))
        st.text_input(page.word("approvals.link_for"), key=f"link:name:{asked.post_id}", max_chars=LONGEST_NAME)
        with st.container(horizontal=True, gap="small"):
            st.button(page.word("approvals.link_make"), key="link:make", on_click=_make, args=(asked.post_id,))
            if last is not None and not last.over(now):
                end = partial(_take_back, asked.post_id)
                acting.button(page, "approvals.link_end", end, right=Right.APPROVE, key=f"link:end:{asked.post_id}")


def _make(post_id: UUID) -> None:
    made: list[str] = []
    acting.press(partial(_made, post_id, made), Right.APPROVE, f"link:make:{post_id}")
    if made:
        st.session_state[LINK] = (str(post_id), made[0])


def _made(post_id: UUID, made: list[str], scope: Scope, _: UUID) -> Message:
    base = settings.load().web.public_url.rstrip("/")
    token = clients.make(scope, post_id, name=str(acting.typed(f"link:name:{post_id}") or ""))
    made.append(f"{base}{PATH}{token}")
    return Message("approvals.link_made")


def _take_back(post_id: UUID, scope: Scope, _: UUID) -> Message:
    clients.take_back(scope, post_id)
    return Message("approvals.link_ended")
