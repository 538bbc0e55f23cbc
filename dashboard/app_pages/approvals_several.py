"""A yes to several posts at once: each stands there as its accounts would show it, and is marked by hand."""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import approvals_posts
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals, Content, content
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules.reviewing import Asked
from studio import kinds
from tenants.roles import Right

SEVERAL, PICK = "approvals:several", "approvals:pick:"
MOST = 12
"""Posts that stand below each other: each is judged for each of its accounts, as it is when it stands alone."""


def wanted(page: Page, found: Approvals) -> bool:
    """Whether this member wants several at once; asked where several wait."""
    if len(found.posts) < 2:
        return False
    return bool(st.toggle(page.word("approvals.several"), key=SEVERAL))


def show(page: Page, found: Approvals) -> None:
    """The next posts, and one yes to those that are marked. One that wants more than a look stands alone instead."""
    asked = found.posts[:MOST]
    shown = page.read(lambda scope: [_content(page, scope, found, one) for one in asked])
    every = [(one, has) for one, has in zip(asked, shown, strict=True) if _is_ready(has)]
    pictures = [[shot.asset_id for shot in has.shots] for _, has in every]
    drawn = [every[at] for at in page.read(lambda scope: kinds.of_one(scope, pictures))]
    ready = {one.post_id: (one, has) for one, has in drawn}
    for one, has in drawn:
        with st.container(border=True):
            _card(page, found, one, has)
    if len(every) > len(drawn):
        draw("approvals_note.html", note=page.voice.some("approvals.later", len(every) - len(drawn)))
    if alone := len(asked) - len(every):
        draw("approvals_note.html", note=page.word("approvals.several_alone", count=alone))
    if not ready:
        return
    act = partial(_approve, page, {one.post_id: (one.digest, has.tier) for one, has in ready.values()})
    picked = sum(bool(st.session_state.get(f"{PICK}{one}")) for one in ready)
    acting.button(
        page,
        "approvals.several_now",
        act,
        right=Right.APPROVE,
        key="approve:several",
        kind="primary",
        params={"count": picked},
        disabled=not picked,
        icon=":material/done_all:",
    )


def _content(page: Page, scope: Scope, found: Approvals, asked: Asked) -> Content:
    return content(scope, asked, found.creators[asked.creator_id], page.who.member)


def _is_ready(shown: Content) -> bool:
    """Whether all that is left is this member's yes: no picture waits to be looked at, no account refuses it."""
    return not (shown.own or shown.agreed or shown.unseen or any(one.reasons for one in shown.previews))


def _card(page: Page, found: Approvals, asked: Asked, shown: Content) -> None:
    creator = found.creators[asked.creator_id]
    begins = (asked.title or asked.body)[:60]
    st.checkbox(
        page.word("approvals.several_mark", creator=creator.name, post=" ".join(begins.split())),
        key=f"{PICK}{asked.post_id}",
    )
    approvals_posts.head(page, found, asked, shown)
    approvals_posts.previews(page, asked, shown)


def _approve(page: Page, read: Mapping[UUID, tuple[str, int]], scope: Scope, _: UUID) -> Message:
    """A yes to each that is marked and is still what was read; what changed meanwhile waits on, and is counted."""
    marked = [one for one in read if acting.typed(f"{PICK}{one}")]
    if not marked:
        raise BadInput("approvals.several_none")
    now = approvals_posts.waiting(page, scope)
    same = [one for one in marked if one in now and now[one].digest == read[one][0]]
    for one in same:
        digest, tier = read[one]
        approvals_posts.agree(page, scope, now[one], tier, digest=digest)
    _forget(marked)
    if same:
        approvals_posts.remember(same, scope.now)
    changed = len(marked) - len(same)
    return Message("approvals.several_changed" if changed else "approvals.several_done", _counts(same, changed))


def _counts(same: Sequence[UUID], changed: int) -> dict[str, int]:
    return {"count": len(same), "changed": changed} if changed else {"count": len(same)}


def _forget(marked: Sequence[UUID]) -> None:
    for one in marked:
        st.session_state[f"{PICK}{one}"] = False
