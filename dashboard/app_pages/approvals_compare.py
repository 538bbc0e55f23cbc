"""Comparing how people rate: the same pictures, one by one, without what others said or what they are rated."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.approvals_posts import CLEAR, reveal, src
from dashboard.frame import Page
from dashboard.reads.approvals import given
from dashboard.reads.second import Comparison
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from gate import calibrating
from gate.units import Rating
from tenants.roles import Right

PICKED = "compare:picked"
"""Per picture, what was chosen one after the other: who changes their mind more than once means the higher."""


def show(page: Page, found: Comparison) -> None:
    """Draw the next picture, or how the last comparison ended and how to begin one."""
    if not (page.may(Right.RUN) or found.under_way or found.waits or found.last):
        return  # who only reviews, and is asked for nothing here
    with st.expander(page.word("compare.title"), expanded=found.under_way is not None):
        draw("approvals_note.html", note=page.word("compare.how"))
        if found.last is not None:
            code = "compare.good" if found.last.good else "compare.low"
            draw("approvals_note.html", note=page.word(code, share=page.voice.agreement(found.last.kappa / 1000)))
        if found.under_way is not None and found.asset_id is not None:
            _picture(page, found, found.under_way.id, found.under_way.left[0], found.asset_id)
        elif found.waits or found.others:
            draw("approvals_note.html", note=page.word("compare.waits" if found.waits else "compare.others"))
        elif page.may(Right.RUN):
            acting.button(page, "compare.begin", partial(_begin, page), right=Right.REVIEW, key="compare:begin")


def _mine(page: Page, scope: Scope) -> set[UUID]:
    works = page.may(Right.RUN, Right.APPROVE)
    return {one.id for one in given(page.who.member, page.mine(scope), works=works)}


def _picture(page: Page, found: Comparison, row_id: UUID, sha256: str, asset_id: UUID) -> None:
    """Nothing is drawn before the press: a blurred picture would tell what others rated it."""
    if found.under_way is None:
        return
    done = found.under_way.total - len(found.under_way.left)
    draw("approvals_note.html", note=page.word("approvals.place", at=done + 1, total=found.under_way.total))
    if not st.session_state.get(f"{CLEAR}{asset_id}"):
        see = partial(reveal, page, (asset_id,))
        acting.button(page, "approvals.reveal_one", see, right=Right.REVIEW, key=f"compare:see:{sha256[:16]}")
        return
    draw("approvals_compare.html", src=src(asset_id), alt=page.word("second.picture"))
    key = f"compare:level:{sha256}"
    st.selectbox(
        page.word("studio.rate_as"),
        [str(rating) for rating in Rating],
        index=None,
        placeholder=page.word("sheets.choose_level"),
        format_func=lambda level: page.word(f"studio.level.{level}"),
        key=key,
        on_change=_pick,
        args=(sha256, key),
    )
    act = partial(_say, row_id, sha256)
    acting.button(page, "studio.rate_now", act, right=Right.REVIEW, key=f"compare:say:{sha256[:16]}", kind="primary")


def _pick(sha256: str, key: str) -> None:
    chosen = st.session_state.get(key)
    if chosen:
        kept = st.session_state.get(PICKED, {})
        st.session_state[PICKED] = {**kept, sha256: (*kept.get(sha256, ()), str(chosen))}


def _begin(page: Page, scope: Scope, _: UUID) -> Message:
    calibrating.begin(scope, _mine(page, scope))
    return Message("compare.begun")


def _say(row_id: UUID, sha256: str, scope: Scope, _: UUID) -> Message | None:
    """The next picture is answer enough; after the last one it is said what happens now."""
    picked = (acting.typed(PICKED) or {}).get(sha256, ())
    calibrating.say(scope, row_id, sha256, [Rating(one) for one in picked])
    return Message("compare.waits") if calibrating.under_way(scope) is None else None
