"""Bulk approval: several posts are shown in full and approved together.

Posts are never preselected: the approver selects each one that they have read.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.approvals import post_approvals
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.posts.review_content import (
    PostContent,
    list_pending_posts,
    load_post_content,
    submit_approval,
)
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from schedules.approvals.review_queue import ReviewItem
from studio.library import demo_separation
from tenants.agencies.rights import Right

SEVERAL = "approvals:several"
PICK = "approvals:pick:"
MAX_BULK_POSTS = 12
"""Maximum number of posts on the page. Each one is checked for each of its channels, as in the
single view."""


def is_bulk_approval_open(page: PageContext, found: ApprovalsView) -> bool:
    """Draw the toggle if two or more posts are pending. Return True if it is on."""
    if len(found.posts) < 2:
        return False
    return bool(st.toggle(page.text("approvals.several"), key=SEVERAL))


def render_bulk_approval(page: PageContext, found: ApprovalsView) -> None:
    """Draw the next posts and one button that approves the selected ones.

    Posts that need more than an approval are omitted and counted.
    """
    asked = found.posts[:MAX_BULK_POSTS]
    shown = page.read(lambda scope: [_load_item_content(page, scope, found, one) for one in asked])
    every = [(one, has) for one, has in zip(asked, shown, strict=True) if _is_ready(has)]
    pictures = [[shot.asset_id for shot in has.shots] for _, has in every]
    drawn = [
        every[at]
        for at in page.read(lambda scope: demo_separation.same_kind_indexes(scope, pictures))
    ]
    ready = {one.post_id: (one, has) for one, has in drawn}
    for one, has in drawn:
        with st.container(border=True):
            _render_post_card(page, found, one, has)
    if len(every) > len(drawn):
        draw_template(
            "shell/templates/note.html",
            note=page.localizer.count_text("approvals.later", len(every) - len(drawn)),
        )
    if alone := len(asked) - len(every):
        draw_template(
            "shell/templates/note.html", note=page.text("approvals.several_alone", count=alone)
        )
    if not ready:
        return
    act = partial(
        _approve_selected_posts,
        page,
        {one.post_id: (one.digest, has.tier) for one, has in ready.values()},
    )
    picked = sum(bool(st.session_state.get(f"{PICK}{one}")) for one in ready)
    actions.action_button(
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


def _load_item_content(
    page: PageContext, scope: Scope, found: ApprovalsView, asked: ReviewItem
) -> PostContent:
    return load_post_content(scope, asked, found.creators[asked.creator_id], page.viewer.member)


def _is_ready(shown: PostContent) -> bool:
    """Return True if only this member's approval is missing: all images viewed, accepted by all
    channels."""
    return not (
        shown.own
        or shown.agreed
        or shown.unseen_pictures
        or any(one.reasons for one in shown.previews)
    )


def _render_post_card(
    page: PageContext, found: ApprovalsView, asked: ReviewItem, shown: PostContent
) -> None:
    creator = found.creators[asked.creator_id]
    begins = (asked.title or asked.body)[:60]
    st.checkbox(
        page.text("approvals.several_mark", creator=creator.name, post=" ".join(begins.split())),
        key=f"{PICK}{asked.post_id}",
    )
    post_approvals.render_post_header(page, found, asked, shown)
    post_approvals.render_previews(page, asked, shown)


def _approve_selected_posts(
    page: PageContext, read: Mapping[UUID, tuple[str, int]], scope: Scope, _: UUID
) -> Message:
    """Approve each selected post that has not changed since it was read.

    Changed posts remain pending and are counted in the message. Raises BadInput if none is
    selected.
    """
    marked = [one for one in read if actions.typed_value(f"{PICK}{one}")]
    if not marked:
        raise BadInput("approvals.several_none")
    now = list_pending_posts(scope, page.list_creators(scope))
    same = [one for one in marked if one in now and now[one].digest == read[one][0]]
    for one in same:
        digest, tier = read[one]
        submit_approval(scope, page.viewer.member, now[one], tier, digest=digest)
    _clear_selection(marked)
    if same:
        post_approvals.remember_verdicts(same, scope.now)
    changed = len(marked) - len(same)
    return Message(
        "approvals.several_changed" if changed else "approvals.several_done",
        _count_params(same, changed),
    )


def _count_params(same: Sequence[UUID], changed: int) -> dict[str, int]:
    return {"count": len(same), "changed": changed} if changed else {"count": len(same)}


def _clear_selection(marked: Sequence[UUID]) -> None:
    for one in marked:
        st.session_state[f"{PICK}{one}"] = False
