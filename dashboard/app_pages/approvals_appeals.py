"""Decisions about requests that somebody wants looked at again: another person answers; and asking for it oneself."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.words import Message
from gate import appealing
from gate.appealing import LONGEST, Again, Taken
from gate.complaints import STAYS
from tenants import reads as tenant_reads
from tenants.roles import Right

DONE = "approvals:looked_again"
"""What was answered or asked here a moment ago, and the workers may not have done yet."""


def show(page: Page, found: Approvals) -> None:
    """Draw each appeal, with both answers for who may give one, and what was taken away with its own question."""
    demo = bool(found.again or found.taken) and page.read(tenant_reads.agency).demo
    for again in found.again:
        if not st.session_state.get(f"{DONE}:{again.ids[0]}"):
            _appeal(page, found, again, demo=demo)
    left = [one for one in found.taken if not st.session_state.get(f"{DONE}:{one.complaint_id}")]
    if left:
        with st.expander(page.word("approvals.taken"), expanded=not (found.requests or found.again)):
            draw("approvals_note.html", note=page.word("approvals.taken_how"))
            for one in left:
                _taken(page, found, one, demo=demo)


def reasons(page: Page, key: str) -> None:
    """The choice of why something may stay, kept under `why:<key>`."""
    st.selectbox(
        page.word("approvals.request_why"),
        STAYS,
        index=None,
        placeholder=page.word("approvals.request_choose"),
        format_func=lambda one: page.word(f"complaint.because.{one}"),
        key=f"why:{key}",
    )


def _appeal(page: Page, found: Approvals, again: Again, *, demo: bool) -> None:
    key, mine = str(again.ids[0]), page.who.member.id in again.allowed
    with st.container(border=True, gap="small"):
        draw(
            "approvals_appeal.html",
            again=again,
            creator=found.creators[again.creator_id].name,
            named=found.named.get(again.ids[0], ""),
            mine=mine,
            demo=demo,
            now=found.now,
            voice=page.voice,
            word=page.word,
        )
        if not mine:
            return
        reasons(page, key)
        gone = "approvals.request_goes" if again.side == "asked" else "approvals.appeal_goes"
        back = "approvals.request_stays" if again.side == "asked" else "approvals.appeal_back"
        with st.container(horizontal=True, gap="small"):
            for code, stays in ((gone, False), (back, True)):
                acting.button(
                    page,
                    code,
                    partial(_decide, page, again.ids, stays),
                    right=Right.REVIEW,
                    key=f"{code}:{key}",
                    kind="secondary",
                )


def _decide(page: Page, ids: tuple[UUID, ...], stays: bool, scope: Scope, _: UUID) -> Message:
    waiting = appealing.waiting(scope, {one.id for one in page.mine(scope)})
    if not set(ids) <= {one for again in waiting for one in again.ids}:
        raise Conflict("complaint.decided")
    because = str(acting.typed(f"why:{ids[0]}") or "") if stays else ""
    if stays and not because:
        raise BadInput("complaint.no_reason")
    for one in ids:
        appealing.decide(scope, one, because=because)
    st.session_state[f"{DONE}:{ids[0]}"] = True
    return Message("approvals.appeal_back_done" if stays else "approvals.request_gone")


def _taken(page: Page, found: Approvals, one: Taken, *, demo: bool) -> None:
    key = f"again:{one.complaint_id}"
    with st.container(border=True, gap="small"):
        creator = found.creators[one.creator_id].name
        named = found.named.get(one.complaint_id, "")
        drawn = {"one": one, "creator": creator, "named": named, "now": found.now, "demo": demo}
        draw("approvals_taken.html", **drawn, voice=page.voice, word=page.word)
        st.text_area(page.word("approvals.taken_why"), max_chars=LONGEST, height=80, key=key)
        acting.button(
            page, "approvals.taken_ask", partial(_ask, page, one.complaint_id), right=Right.APPROVE, key=f"ask:{key}"
        )


def _ask(page: Page, complaint_id: UUID, scope: Scope, _: UUID) -> Message:
    mine = {one.id for one in page.mine(scope)}
    if complaint_id not in {one.complaint_id for one in appealing.taken(scope, mine)}:
        raise Conflict("appeal.nothing")
    appealing.ask_again(scope, complaint_id, words=str(acting.typed(f"again:{complaint_id}") or ""))
    st.session_state[f"{DONE}:{complaint_id}"] = True
    return Message("approvals.taken_asked")
