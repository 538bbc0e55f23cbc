"""Posts that are possibly outside: nobody could find out, so a person looks at the account and says."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import doubts
from schedules import reads as schedule_reads
from tenants.roles import Right


def show(page: Page, found: Approvals) -> None:
    """Draw each with both answers."""
    draw("approvals_note.html", note=page.word("approvals.doubts_how"))
    if not found.doubts:
        draw("approvals_note.html", note=page.word("approvals.no_doubts"))
    for entry in found.doubts:
        key = str(entry.delivery_id)
        with st.container(border=True, gap="small"):
            draw(
                "approvals_doubt.html",
                entry=entry,
                creator=found.creators[entry.creator_id].name,
                now=found.now,
                voice=page.voice,
                word=page.word,
            )
            st.text_input(page.word("approvals.link"), key=f"link:{key}", placeholder="https://", max_chars=500)
            with st.container(horizontal=True, gap="small"):
                for code, stands in (("approvals.was_posted", True), ("approvals.was_not", False)):
                    acting.button(
                        page,
                        code,
                        partial(_end, page, entry.delivery_id, stands),
                        right=Right.APPROVE,
                        key=f"{code}:{key}",
                    )
    draw("approvals_inbox.html", word=page.word)


def _end(page: Page, delivery_id: UUID, stands: bool, scope: Scope, _: UUID) -> Message:
    post = schedule_reads.written_post(scope, schedule_reads.post_of(scope, delivery_id))
    page.my(scope, post.creator_id)
    link = str(acting.typed(f"link:{delivery_id}") or "").strip()
    if stands and not link:
        raise BadInput("delivery.no_link")
    doubts.end_doubt(scope, delivery_id, member_id=page.who.member.id, url=link if stands else "")
    return Message("approvals.noted_posted" if stands else "approvals.noted_not")
