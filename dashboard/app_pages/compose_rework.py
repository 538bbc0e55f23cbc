"""A planned post that is being changed: opened, come back to, and what was saved in it meanwhile, never lost unseen."""

from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import compose_draft, compose_leaving
from dashboard.app_pages.compose_draft import OPENED, REWORK, SEEN
from dashboard.frame import Page
from dashboard.reads.posts import opened
from dashboard.reads.talk import asked_of
from dashboard.widgets import draw
from foundation.words import Message
from schedules.drafting import Draft, as_written
from schedules.overrides import Content
from schedules.reads import Written


def begin(post: Written, there: Mapping[UUID, Content], creator: str, at: str = "") -> None:
    """Open a post of which nothing is outside, to change what it says, in a callback, or before anything of the page is
    drawn; `at` is which of its dates was open, where it repeats. The address says which it is: opened anew, it is no
    empty page."""
    compose_draft.duplicate(post, there, creator)
    st.query_params.from_dict({"new": "1", "rework": str(post.id), **({"at": at} if at else {})})
    st.session_state.update({REWORK: str(post.id), OPENED: at, SEEN: as_written(post).content})
    compose_leaving.take_up(post.id)


def come_back(page: Page, post_id: UUID, at: str) -> None:
    """Open the post of the address with what it says now; one that cannot be changed any more is shown as it stands.

    Raises NotFound for one that is not this member's.
    """
    found = page.read(lambda scope: opened(scope, page.mine(scope), post_id, at))
    if not found.rewritable:
        acting.tell(Message("post.left_already"), bad=True)
        st.query_params.from_dict({"post": str(post_id)})
        st.rerun()
    begin(found.post, found.said, found.creator.slug, at)


def asked(page: Page, post_id: UUID) -> None:
    """Draw what somebody wants changed in it: whoever writes the other version reads it there."""
    found = page.read(lambda scope: asked_of(scope, post_id))
    if found:
        draw("compose_asked.html", asked=found, voice=page.voice, word=page.word)


def meanwhile(page: Page, post_id: UUID, now: Draft) -> bool:
    """Draw what the post says `now` where that is no longer what it said when it was opened; whether it is not."""
    if now.content == st.session_state[SEEN]:
        return False
    draw("compose_meanwhile.html", now=now, post_id=post_id, word=page.word)
    return True
