"""What somebody wants gone: from where, by when it goes by itself, and a person's word. Nothing of it is shown."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages import approvals_appeals
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.words import Message
from gate import complaints
from gate.complaints import Request
from gate.receipts import LONGEST_ADDRESS
from schedules.finding import posted_at
from tenants.roles import Right

DECIDED = "approvals:decided"
"""What was decided here a moment ago, and the workers may not have done yet."""


def show(page: Page, found: Approvals) -> None:
    """Draw each with both answers, then what is to be looked at again; a flood of one source is one."""
    left = [one for one in found.requests if not st.session_state.get(f"{DECIDED}:{one.ids[0]}")]
    if any(one.located for one in left):
        draw("approvals_note.html", note=page.word("approvals.requests_how"))
    elif left:
        draw("approvals_note.html", note=page.word("approvals.requests_lost_how"))
    for request in left:
        with st.container(border=True, gap="small"):
            draw(
                "approvals_request.html",
                request=request,
                creator=found.creators[request.creator_id].name,
                named=found.named.get(request.ids[0], ""),
                places=sorted({found.places.get(copy.channel_id, "–") for copy in request.copies if not copy.viewer}),
                told=sum(1 for copy in request.copies if copy.viewer),
                now=found.now,
                voice=page.voice,
                word=page.word,
            )
            _answers(page, request)
    approvals_appeals.show(page, found)


def _answers(page: Page, request: Request) -> None:
    key = str(request.ids[0])
    if not request.copies:
        st.text_input(page.word("approvals.request_which"), key=f"which:{key}", max_chars=LONGEST_ADDRESS)
    approvals_appeals.reasons(page, key)
    with st.container(horizontal=True, gap="small"):
        for code, stays in (("approvals.request_goes", False), ("approvals.request_stays", True)):
            acting.button(
                page,
                code,
                partial(_decide, page, request.ids, stays),
                right=Right.REVIEW,
                key=f"{code}:{key}",
                kind="secondary" if stays else "primary",
            )


def _decide(page: Page, ids: tuple[UUID, ...], stays: bool, scope: Scope, _: UUID) -> Message:
    waiting = complaints.waiting(scope, {one.id for one in page.mine(scope)})
    if not set(ids) <= {one for request in waiting for one in request.ids}:
        raise Conflict("complaint.decided")
    because = str(acting.typed(f"why:{ids[0]}") or "") if stays else ""
    if stays and not because:
        raise BadInput("complaint.no_reason")
    found = {} if stays else posted_at(scope, str(acting.typed(f"which:{ids[0]}") or ""))
    meant = next(one for one in waiting if ids[0] in one.ids)
    for one in ids:
        complaints.decide(scope, one, because=because, digests=found.get(meant.creator_id, ()))
    st.session_state[f"{DECIDED}:{ids[0]}"] = True
    return Message("approvals.request_stayed" if stays else "approvals.request_gone")
