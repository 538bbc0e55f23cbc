"""Appeals against decisions about removal requests: decide on one, or file one.

A member who made the first decision cannot decide on the appeal.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from gate.removal.removal_requests import KEEP_REASONS
from gate.reviews import appeals
from gate.reviews.appeals import AppealableRemoval, PendingAppeal
from gate.text.user_input import MAX_APPEAL_LENGTH
from tenants.agencies import queries
from tenants.agencies.rights import Right

DONE = "approvals:looked_again"
"""Session key prefix of appeals that were answered or filed on this page and that the workers may
not have processed yet."""


def render_appeals(page: PageContext, found: ApprovalsView) -> None:
    """Draw pending appeals with their answers, then removed content that may be appealed."""
    demo = bool(found.again or found.taken) and page.read(queries.get_agency).demo
    for again in found.again:
        if not st.session_state.get(f"{DONE}:{again.ids[0]}"):
            _render_appeal(page, found, again, demo=demo)
    left = [one for one in found.taken if not st.session_state.get(f"{DONE}:{one.complaint_id}")]
    if left:
        with st.expander(
            page.text("approvals.taken"), expanded=not (found.requests or found.again)
        ):
            draw_template("shell/templates/note.html", note=page.text("approvals.taken_how"))
            for one in left:
                _render_appealable_removal(page, found, one, demo=demo)


def select_keep_reason(page: PageContext, key: str) -> None:
    """Draw the selection of a reason to keep content. The selected value is stored under
    `why:<key>`."""
    st.selectbox(
        page.text("approvals.request_why"),
        KEEP_REASONS,
        index=None,
        placeholder=page.text("approvals.request_choose"),
        format_func=lambda one: page.text(f"complaint.because.{one}"),
        key=f"why:{key}",
    )


def _render_appeal(
    page: PageContext, found: ApprovalsView, again: PendingAppeal, *, demo: bool
) -> None:
    key = str(again.ids[0])
    mine = page.viewer.member.id in again.allowed
    with st.container(border=True, gap="small"):
        draw_template(
            "pages/approvals/templates/appeal.html",
            again=again,
            creator=found.creators[again.creator_id].name,
            named=found.named.get(again.ids[0], ""),
            mine=mine,
            demo=demo,
            now=found.now,
            voice=page.localizer,
            word=page.text,
        )
        if not mine:
            return
        select_keep_reason(page, key)
        gone = "approvals.request_goes" if again.side == "asked" else "approvals.appeal_goes"
        back = "approvals.request_stays" if again.side == "asked" else "approvals.appeal_back"
        with st.container(horizontal=True, gap="small"):
            for code, stays in ((gone, False), (back, True)):
                actions.action_button(
                    page,
                    code,
                    partial(_submit_appeal_decision, page, again.ids, stays),
                    right=Right.REVIEW,
                    key=f"{code}:{key}",
                    kind="secondary",
                )


def _submit_appeal_decision(
    page: PageContext, ids: tuple[UUID, ...], stays: bool, scope: Scope, _: UUID
) -> Message:
    waiting = appeals.list_pending_appeals(scope, {one.id for one in page.list_creators(scope)})
    if not set(ids) <= {one for again in waiting for one in again.ids}:
        raise Conflict("complaint.decided")
    because = str(actions.typed_value(f"why:{ids[0]}") or "") if stays else ""
    if stays and not because:
        raise BadInput("complaint.no_reason").about("reason")
    for one in ids:
        appeals.request_appeal_decision(scope, one, because=because)
    forms.set_on_success(f"{DONE}:{ids[0]}", True)
    return Message("approvals.appeal_back_done" if stays else "approvals.request_gone")


def _render_appealable_removal(
    page: PageContext, found: ApprovalsView, one: AppealableRemoval, *, demo: bool
) -> None:
    key = f"again:{one.complaint_id}"
    with st.container(border=True, gap="small"), forms.open_fields(page, key):
        creator = found.creators[one.creator_id].name
        named = found.named.get(one.complaint_id, "")
        drawn = {"one": one, "creator": creator, "named": named, "now": found.now, "demo": demo}
        draw_template(
            "pages/approvals/templates/removed.html",
            **drawn,
            voice=page.localizer,
            word=page.text,
        )
        st.text_area(
            page.text("approvals.taken_why"), max_chars=MAX_APPEAL_LENGTH, height=80, key=key
        )
        forms.show_field_error("reason")
        actions.action_button(
            page,
            "approvals.taken_ask",
            partial(_submit_agency_appeal, page, one.complaint_id),
            right=Right.APPROVE,
            key=f"ask:{key}",
        )


def _submit_agency_appeal(page: PageContext, complaint_id: UUID, scope: Scope, _: UUID) -> Message:
    mine = {one.id for one in page.list_creators(scope)}
    if complaint_id not in {
        one.complaint_id for one in appeals.list_appealable_removals(scope, mine)
    }:
        raise Conflict("appeal.nothing")
    appeals.submit_agency_appeal(
        scope, complaint_id, words=str(actions.typed_value(f"again:{complaint_id}") or "")
    )
    forms.set_on_success(f"{DONE}:{complaint_id}", True)
    return Message("approvals.taken_asked")
