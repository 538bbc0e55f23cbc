"""Safety holds: their reasons, their remedies, and the review if nothing else is missing."""

import re
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.pages.approvals.post_approvals import render_videos
from dashboard.pages.approvals.queries import (
    ApprovalsView,
    HoldReview,
    load_hold_review,
)
from dashboard.pages.posts import publish_actions
from dashboard.pages.posts.remedies import find_remedy
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.reviews import content_reviews
from schedules.approvals import pending_decisions, review_queue
from schedules.approvals.pending_decisions import DELIVERY_SUBJECT, SafetyHold, review_scope_of
from tenants.agencies.rights import Right

OPEN = "approvals:open"


@dataclass(frozen=True)
class HoldReason:
    """Why an item is on hold, in one sentence, and the page that resolves it.

    `href` is empty if a button on this page does. `rest` are the complete reasons if the sentence
    leaves anything out.
    """

    sentence: str
    href: str
    label: str
    rest: tuple[str, ...]


def render_safety_holds(page: PageContext, found: ApprovalsView) -> None:
    """Draw the holds, oldest first, with one of them opened."""
    if not found.holds:
        draw_template("shell/templates/note.html", note=page.text("approvals.no_holds"))
    _render_hold_navigation(page, [str(one.subject.id) for one in found.holds if one.reviewable])
    for hold in found.holds:
        with st.container(border=True, gap="small"):
            draw_template(
                "pages/approvals/templates/safety_hold.html",
                hold=hold,
                reason=summarize_hold(page, hold),
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            _render_hold_actions(page, found, hold)


def summarize_hold(page: PageContext, hold: SafetyHold) -> HoldReason:
    """Return the reason to resolve first. A review comes last, because it resolves nothing else."""
    first = next((one for one in hold.reasons if not _is_reviewable(one)), None)
    if first is None and hold.reasons:
        first = hold.reasons[0]
    texts = tuple(page.localizer.message_text(one) for one in hold.reasons)
    text = page.localizer.message_text(first) if first is not None else ""
    sentence = first_sentence(text)
    rest = texts if len(texts) > 1 or text != sentence else ()
    return HoldReason(sentence, *_find_hold_action(page, hold, first), rest)


def _find_hold_action(
    page: PageContext, hold: SafetyHold, first: Message | None
) -> tuple[str, str]:
    """Return the address that resolves a hold and the text of the link. Both are empty if the
    buttons of the hold resolve it, or if the member may not open the address."""
    found = find_remedy(first, page.viewer.member) if first is not None else ("", "")
    if hold.reviewable or found[0] == "/approvals":
        return "", ""
    if found[0]:
        return found
    if hold.entry is not None and page.has_right(Right.RUN):
        return f"/calendar?post={hold.entry.post_id}", "approvals.mend_post"
    if hold.entry is None and page.has_right(Right.CHAT):
        return "/inbox", "approvals.open_inbox"
    return "", ""


def _is_reviewable(reason: Message) -> bool:
    return reason.code.removeprefix("gate.") in pending_decisions.REVIEWABLE


def first_sentence(text: str) -> str:
    """Return the first sentence of a text."""
    end = re.search(r"[.!?](?=\s)", text)
    return text[: end.end()] if end is not None else text


def _render_hold_actions(page: PageContext, found: ApprovalsView, hold: SafetyHold) -> None:
    key = str(hold.subject.id)
    opened = st.session_state.get(OPEN) == key
    with st.container(horizontal=True, gap="small"):
        if hold.reviewable and page.has_right(Right.REVIEW):
            code = "approvals.fold" if opened else "approvals.look"
            st.button(
                page.text(code),
                key=f"look:{key}",
                on_click=_open_hold,
                args=("" if opened else key,),
            )
        if hold.entry is not None and page.has_right(Right.RUN):
            again = partial(_retry_held_delivery, page, hold.subject.id, hold.entry.version)
            actions.action_button(
                page,
                "approvals.again",
                again,
                right=Right.RUN,
                key=f"again:{key}",
                icon=":material/replay:",
            )
    if opened and hold.reviewable and page.has_right(Right.REVIEW):
        _render_hold_review(
            page,
            found,
            hold,
            page.read(lambda scope: load_hold_review(scope, hold, page.viewer.member)),
        )


def _render_hold_navigation(page: PageContext, order: list[str]) -> None:
    """Draw the navigation between reviewable holds, with keyboard shortcuts."""
    if not order or not page.has_right(Right.REVIEW):
        return
    at = order.index(st.session_state[OPEN]) if st.session_state.get(OPEN) in order else -1
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (
            ("approvals.before", "K", max(at, 0) - 1),
            ("approvals.after", "J", at + 1),
        ):
            there = order[to % len(order)]
            st.button(
                page.text(code),
                key=f"holds:{code}",
                shortcut=key,
                on_click=_open_hold,
                args=(there,),
            )
        if at >= 0:
            draw_template(
                "shell/templates/note.html",
                note=page.text("approvals.place", at=at + 1, total=len(order)),
            )


def _open_hold(key: str) -> None:
    st.session_state[OPEN] = key


def _render_hold_review(
    page: PageContext, found: ApprovalsView, hold: SafetyHold, seen: HoldReview
) -> None:
    unseen = tuple(shot.asset_id for shot in seen.shots if shot.covered and not shot.seen)
    shots = [(revealed_picture_url(shot.asset_id), shot.title) for shot in seen.shots]
    draw_template(
        "pages/approvals/templates/reviewed_text.html", seen=seen, shots=shots, word=page.text
    )
    render_videos(page, seen.shots)
    for past in seen.past.values():
        draw_template(
            "pages/approvals/templates/past_decisions.html",
            past=past,
            found=found,
            voice=page.localizer,
            word=page.text,
        )
    if unseen:
        actions.action_button(
            page,
            "approvals.reveal",
            partial(reveal_pictures, page, unseen),
            right=Right.REVIEW,
            key=f"reveal:{hold.unit_digest}",
            shortcut="P",
            icon=":material/visibility:",
        )
    if seen.own:
        draw_template("shell/templates/note.html", note=page.text(seen.own))
    if seen.alone:
        draw_template(
            "pages/approvals/templates/own_work.html", digest=hold.unit_digest, word=page.text
        )
    with st.container(horizontal=True, gap="small"):
        for code, allow, key in (("approvals.allow", True, "A"), ("approvals.deny", False, "X")):
            actions.action_button(
                page,
                code,
                partial(_submit_hold_verdict, page, hold.subject.id, allow),
                right=Right.REVIEW,
                key=f"{code}:{hold.unit_digest}",
                kind="primary" if allow else "secondary",
                shortcut=key,
                disabled=bool(unseen) or (bool(seen.own) and allow),
            )


def _get_safety_hold(page: PageContext, scope: Scope, subject_id: UUID) -> SafetyHold:
    """Return a hold of this member's creators. Raises NotFound."""
    member = page.viewer.member
    seen = replace(review_scope_of(member, page.list_creators(scope)), content=False, review=False)
    holds = pending_decisions.list_pending_decisions(scope, seen).holds
    found = next((one for one in holds if one.subject.id == subject_id), None)
    if found is None:
        raise NotFound("approvals.settled_meanwhile")
    return found


def _submit_hold_verdict(
    page: PageContext, subject_id: UUID, allow: bool, scope: Scope, _: UUID
) -> Message:
    hold = _get_safety_hold(page, scope, subject_id)
    seen = load_hold_review(scope, hold, page.viewer.member)
    if any(shot.covered and not shot.seen for shot in seen.shots):
        raise Refused("approvals.look_first")
    if allow and seen.own:
        raise Refused(seen.own)
    reason = None if allow else Message("approvals.because.check")
    content_reviews.review_unit(
        scope, hold.unit_digest, verdict="approve" if allow else "refuse", reason=reason
    )
    forms.set_on_success(OPEN, "")
    if not allow:
        return Message("approvals.denied")
    if hold.subject.kind != DELIVERY_SUBJECT:
        return Message("approvals.allowed_chat")
    back = review_queue.resume_after_safety_review(scope, hold.subject.id)
    return Message("approvals.allowed" if back else "approvals.allowed_late")


def _retry_held_delivery(
    page: PageContext, delivery_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    _get_safety_hold(page, scope, delivery_id)
    return publish_actions.retry_delivery_action(page, scope, delivery_id, version)
