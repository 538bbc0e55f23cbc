"""Removal requests: affected channels, deadline of the automatic removal, and the decision.

The content itself is never shown.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.approvals import appeals
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from gate.removal import removal_requests
from gate.removal.receipts import MAX_ADDRESS_LENGTH
from gate.removal.removal_requests import PendingRemovalRequest
from schedules.posts.queries import find_media_published_at
from tenants.agencies.rights import Right

DECIDED = "approvals:decided"
"""Session key prefix of requests that were decided on this page and that the workers may not have
processed yet."""


def render_removal_requests(page: PageContext, found: ApprovalsView) -> None:
    """Draw each request with the two possible answers, then appeals. Multiple requests from one
    source count as one."""
    left = [one for one in found.requests if not st.session_state.get(f"{DECIDED}:{one.ids[0]}")]
    if any(one.located for one in left):
        draw_template("shell/templates/note.html", note=page.text("approvals.requests_how"))
    elif left:
        draw_template("shell/templates/note.html", note=page.text("approvals.requests_lost_how"))
    for request in left:
        with st.container(border=True, gap="small"):
            draw_template(
                "pages/approvals/templates/removal_request.html",
                request=request,
                creator=found.creators[request.creator_id].name,
                named=found.named.get(request.ids[0], ""),
                places=sorted(
                    {
                        found.places.get(copy.channel_id, "–")
                        for copy in request.copies
                        if not copy.viewer
                    }
                ),
                told=sum(1 for copy in request.copies if copy.viewer),
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            _render_removal_actions(page, request)
    appeals.render_appeals(page, found)


def _render_removal_actions(page: PageContext, request: PendingRemovalRequest) -> None:
    key = str(request.ids[0])
    with forms.open_fields(page, key):
        if not request.copies:
            st.text_input(
                page.text("approvals.request_which"),
                key=f"which:{key}",
                max_chars=MAX_ADDRESS_LENGTH,
            )
            forms.show_field_error("link")
        appeals.select_keep_reason(page, key)
        with st.container(horizontal=True, gap="small"):
            for code, stays in (
                ("approvals.request_goes", False),
                ("approvals.request_stays", True),
            ):
                actions.action_button(
                    page,
                    code,
                    partial(_submit_removal_decision, page, request.ids, stays),
                    right=Right.REVIEW,
                    key=f"{code}:{key}",
                    kind="secondary" if stays else "primary",
                )


def _submit_removal_decision(
    page: PageContext, ids: tuple[UUID, ...], stays: bool, scope: Scope, _: UUID
) -> Message:
    waiting = removal_requests.list_pending_removal_requests(
        scope, {one.id for one in page.list_creators(scope)}
    )
    if not set(ids) <= {one for request in waiting for one in request.ids}:
        raise Conflict("complaint.decided")
    because = str(actions.typed_value(f"why:{ids[0]}") or "") if stays else ""
    if stays and not because:
        raise BadInput("complaint.no_reason").about("reason")
    found = (
        {}
        if stays
        else find_media_published_at(scope, str(actions.typed_value(f"which:{ids[0]}") or ""))
    )
    meant = next(one for one in waiting if ids[0] in one.ids)
    for one in ids:
        removal_requests.request_decision(
            scope, one, because=because, digests=found.get(meant.creator_id, ())
        )
    forms.set_on_success(f"{DECIDED}:{ids[0]}", True)
    return Message("approvals.request_stayed" if stays else "approvals.request_gone")
