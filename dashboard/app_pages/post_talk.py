"""What people say of a post, below it: what they want changed, what changed since, and comments with their answers."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.frame import Page
from dashboard.reads.talk import Talk, talk
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from schedules import comments
from schedules.comments import LONGEST, WHOLE, Comment, Spot
from tenants.roles import Right

MAY = Right.APPROVE
"""Who approves may talk; everybody who plans may approve too."""


def show(page: Page, post_id: UUID) -> None:
    """Read and draw all of it. Raises NotFound for a post that is not this member's."""
    show_read(page, page.read(lambda scope: talk(scope, post_id, page.who.member)))


def show_read(page: Page, found: Talk) -> None:
    """Draw what was read with something else."""
    draw("talk_style.html")
    if found.wanted or (found.since is not None and found.since.any):
        draw("talk_changes.html", found=found, voice=page.voice, word=page.word)
    draw("talk_head.html", found=found, voice=page.voice, word=page.word)
    if found.told:
        acting.button(page, "talk.read", partial(_read, found.post_id), right=MAY, key=f"talk:read:{found.post_id}")
    for one in found.comments:
        _thread(page, found, one)
    _new(page, found)


def _thread(page: Page, found: Talk, one: Comment) -> None:
    with st.container(border=True, key=f"talk:{one.id}"):
        draw("talk_thread.html", found=found, one=one, src=files.src, voice=page.voice, word=page.word)
        with st.container(horizontal=True, gap="small"):
            with st.popover(page.word("talk.answer")), st.form(f"talk:form:{one.id}", border=False):
                fields = f"{one.id}:{found.count}"
                _words(page, found, fields, internal=one.internal)
                act = partial(_answered, one.id, fields)
                acting.submit(page, "talk.answer_now", act, right=MAY, key=f"talk:answer:{fields}")
            code, act_of = ("talk.resolve", comments.resolve) if one.open else ("talk.reopen", comments.reopen)
            acting.button(page, code, partial(_turn, one.id, act_of), right=MAY, key=f"talk:turn:{one.id}:{one.open}")


def _new(page: Page, found: Talk) -> None:
    """The form of a new comment; its fields are empty again once something was said."""
    fields = f"{found.post_id}:{found.count}"
    with st.expander(page.word("talk.new")), st.form(f"talk:new:{found.post_id}", border=False):
        st.selectbox(
            page.word("talk.about"),
            list(found.spots),
            format_func=lambda one: page.voice.say(found.spots[one]),
            key=f"talk:spot:{fields}",
        )
        _words(page, found, fields, internal=False)
        if found.inside:
            st.checkbox(page.word("talk.outside"), key=f"talk:outside:{fields}")
        act = partial(_said, found.post_id, fields)
        acting.submit(page, "talk.say", act, right=MAY, key=f"talk:say:{fields}")


def _words(page: Page, found: Talk, fields: str, *, internal: bool) -> None:
    st.text_area(page.word("talk.words"), key=f"talk:words:{fields}", max_chars=LONGEST)
    readers = [one for one in found.listeners if not internal or comments.works_here(one)]
    names = {str(one.principal_id): page.label("talk.at", name=one.name) for one in readers}
    if names:
        st.multiselect(
            page.word("talk.named"),
            list(names),
            format_func=names.__getitem__,
            key=f"talk:named:{fields}",
            placeholder=page.word("talk.named_hint"),
            select_all=False,
        )


def _named(fields: str) -> list[UUID]:
    return [UUID(one) for one in acting.typed(f"talk:named:{fields}") or ()]


def _said(post_id: UUID, fields: str, scope: Scope, key: UUID) -> Message:
    spot = acting.typed(f"talk:spot:{fields}")
    comments.say(
        scope,
        post_id,
        str(acting.typed(f"talk:words:{fields}") or ""),
        key=key,
        spot=spot if isinstance(spot, Spot) else WHOLE,
        named=_named(fields),
        internal=not acting.typed(f"talk:outside:{fields}"),
    )
    return Message("talk.said")


def _answered(comment_id: UUID, fields: str, scope: Scope, key: UUID) -> Message:
    words = str(acting.typed(f"talk:words:{fields}") or "")
    comments.answer(scope, comment_id, words, key=key, named=_named(fields))
    return Message("talk.said")


def _turn(comment_id: UUID, act: Callable[[Scope, UUID], None], scope: Scope, _: UUID) -> Message:
    act(scope, comment_id)
    return Message("talk.resolved" if act is comments.resolve else "talk.reopened")


def _read(post_id: UUID, scope: Scope, _: UUID) -> None:
    comments.read(scope, post_id)
