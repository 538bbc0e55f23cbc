"""Bulk approval: several posts are shown in full, and approved or rejected together.

Posts are never preselected: the approver selects each one that they have read. Each post is decided
in a transaction of its own, and its result is shown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.approvals import post_approvals
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.posts.pending_post import (
    PostContent,
    get_pending_post,
    load_post_content,
    submit_approval,
)
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, GreenroomError
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from schedules.approvals import decisions
from schedules.approvals.review_queue import ReviewItem
from studio.library import demo_separation
from tenants.agencies.rights import Right

SEVERAL = "approvals:several"
PICK = "approvals:pick:"
RESULTS = "approvals:several:results"
RESULT_SECONDS = 60.0
MAX_BULK_POSTS = 12
"""Maximum number of posts on the page. Each one is checked for each of its channels, as in the
single view."""


@dataclass(frozen=True)
class BulkItem:
    """A post as this member read it, and the tier of their approval."""

    read: ReviewItem
    tier: int


@dataclass(frozen=True)
class BulkResult:
    """The result for one post: `message` names it, or the reason why the decision was refused."""

    post_id: UUID
    excerpt: str
    message: Message
    at: datetime | None = None
    """Time of the decision; None if it was refused."""

    @property
    def done(self) -> bool:
        """Return True if the decision was made."""
        return self.at is not None


def is_bulk_approval_open(page: PageContext, found: ApprovalsView) -> bool:
    """Draw the toggle if two or more posts are pending. Return True if it is on."""
    if len(found.posts) < 2:
        return False
    return bool(st.toggle(page.text("approvals.several"), key=SEVERAL))


def render_bulk_approval(page: PageContext, found: ApprovalsView) -> None:
    """Draw the next posts and the buttons that decide on the selected ones.

    Posts that need more than an approval are omitted and counted.
    """
    principal = page.viewer.member.principal_id
    able = [one for one in found.posts if one.can_be_approved_by(principal)]
    asked = able[:MAX_BULK_POSTS]
    shown = page.read(lambda scope: [_load_item_content(page, scope, found, one) for one in asked])
    every = [(one, has) for one, has in zip(asked, shown, strict=True) if _is_ready(has)]
    pictures = [[shot.asset_id for shot in has.shots] for _, has in every]
    drawn = [
        every[at]
        for at in page.read(lambda scope: demo_separation.same_kind_indexes(scope, pictures))
    ]
    _render_bulk_actions(page, {one.post_id: BulkItem(one, has.tier) for one, has in drawn})
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


def _render_bulk_actions(page: PageContext, ready: Mapping[UUID, BulkItem]) -> None:
    """Draw the buttons that decide on the selected posts; the bar stays visible while scrolling."""
    if not ready:
        return
    picked = sum(bool(st.session_state.get(f"{PICK}{one}")) for one in ready)
    with st.container(horizontal=True, gap="small", key="several_actions"):
        actions.batch_button(
            page,
            "approvals.several_now",
            partial(_approve_selected_posts, ready),
            right=Right.APPROVE,
            key="approve:several",
            params={"count": picked},
            disabled=not picked,
            icon=":material/done_all:",
        )
        for mode, icon in (("change", ":material/edit_note:"), ("reject", ":material/close:")):
            label = page.text(f"approvals.several_{mode}", count=picked)
            with (
                st.popover(label, key=f"several:{mode}", icon=icon, disabled=not picked),
                forms.open_fields(page, f"several:{mode}"),
            ):
                _render_bulk_form(page, ready, mode)


def _render_bulk_form(page: PageContext, ready: Mapping[UUID, BulkItem], mode: str) -> None:
    st.radio(
        page.text(f"approvals.why_{mode}"),
        decisions.REJECTION_CODES[post_approvals.VERDICTS[mode]],
        format_func=lambda one: page.text(f"approvals.because.{one}"),
        key=f"several:why:{mode}",
    )
    st.text_input(page.text("approvals.note"), key=f"several:note:{mode}", max_chars=400)
    forms.show_field_error("note")
    actions.batch_button(
        page,
        f"approvals.{mode}_now",
        partial(_reject_selected_posts, ready, mode),
        right=Right.APPROVE,
        key=f"{mode}_now:several",
    )


def render_results(page: PageContext) -> None:
    """Draw what became of each post of the last bulk decision, for a minute.

    The container is always drawn, so that the page does not jump.
    """
    until, results = st.session_state.get(RESULTS) or (0.0, ())
    if monotonic() > until:
        results = ()
    draw_template(
        "pages/approvals/templates/bulk_results.html",
        results=results,
        voice=page.localizer,
        word=page.text,
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


def _approve_selected_posts(ready: Mapping[UUID, BulkItem], page: PageContext) -> Message:
    """Approve each selected post as it was read. Raises BadInput if none is selected."""
    member = page.viewer.member

    def approve(scope: Scope, now: ReviewItem) -> None:
        item = ready[now.post_id]
        submit_approval(scope, member, now, item.tier, digest=item.read.digest)

    results = _decide_on_each(page, ready, "approvals.approved_one", approve)
    done = {one.post_id: one.at for one in results if one.at is not None}
    if done:
        post_approvals.remember_verdicts(list(done), max(done.values()))
    return _summarize_results(results, "approvals.several_done")


def _reject_selected_posts(ready: Mapping[UUID, BulkItem], mode: str, page: PageContext) -> Message:
    """Request changes to the selected posts, or reject them. Raises BadInput without a comment."""
    refuse = decisions.request_changes if mode == "change" else decisions.decline_post
    why = str(actions.typed_value(f"several:why:{mode}"))
    note = str(actions.typed_value(f"several:note:{mode}") or "")
    if not note.strip():
        raise BadInput("approval.no_words").about("note")

    def reject(scope: Scope, now: ReviewItem) -> None:
        refuse(scope, now.post_id, member_id=page.viewer.member.id, why=why, note=note)

    results = _decide_on_each(page, ready, f"approvals.{mode}_one", reject)
    return _summarize_results(results, f"approvals.several_{mode}_done")


def _decide_on_each(
    page: PageContext,
    ready: Mapping[UUID, BulkItem],
    said: str,
    act: Callable[[Scope, ReviewItem], None],
) -> list[BulkResult]:
    """Run `act` on each selected post, in a transaction of its own, so that the refusal of one post
    does not undo the others."""
    marked = [item for post_id, item in ready.items() if actions.typed_value(f"{PICK}{post_id}")]
    if not marked:
        raise BadInput("approvals.several_none")
    results = [_decide(page, item.read, said, act) for item in marked]
    for one in results:
        st.session_state[f"{PICK}{one.post_id}"] = False
    st.session_state[RESULTS] = (monotonic() + RESULT_SECONDS, results)
    return results


def _decide(
    page: PageContext, read: ReviewItem, said: str, act: Callable[[Scope, ReviewItem], None]
) -> BulkResult:
    excerpt = " ".join((read.title or read.body)[:60].split())
    try:
        with page.scope() as scope:
            now = get_pending_post(scope, page.list_creators(scope), read.post_id)
            if now.digest != read.digest:
                raise Conflict("post.changed_meanwhile")
            act(scope, now)
            at = scope.now
    except GreenroomError as refused:
        return BulkResult(read.post_id, excerpt, refused.message)
    except actions.UNAVAILABLE:
        return BulkResult(read.post_id, excerpt, Message("dashboard.not_done"))
    return BulkResult(read.post_id, excerpt, Message(said), at)


def _summarize_results(results: Sequence[BulkResult], said: str) -> Message:
    done = sum(one.done for one in results)
    if done == len(results):
        return Message(said, {"count": done})
    return Message("approvals.several_partly", {"count": done, "left": len(results) - done})
