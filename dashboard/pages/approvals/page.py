"""The Approvals page: posts, safety holds, images, unconfirmed posts and removal requests."""

from collections.abc import Callable
from functools import partial

import streamlit as st

from dashboard.pages.approvals import (
    approval_policy,
    bulk_approval,
    calibration,
    picture_reviews,
    post_approvals,
    removal_requests,
    resemblance_reviews,
    safety_holds,
    second_reviews,
)
from dashboard.pages.approvals.queries import ApprovalsView, load_approvals
from dashboard.pages.approvals.second_review_queries import CalibrationView, load_calibration
from dashboard.pages.posts import uncertain_delivery
from dashboard.shell import actions, page_context, pending_counts
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from schedules.approvals import pending_decisions
from tenants.agencies.rights import Right


def render_uncertain_deliveries(page: PageContext, found: ApprovalsView) -> None:
    """Draw each uncertain delivery with the three possible answers."""
    draw_template("shell/templates/note.html", note=page.text("approvals.doubts_how"))
    if not found.doubts:
        draw_template("shell/templates/note.html", note=page.text("approvals.no_doubts"))
    for entry in found.doubts:
        with st.container(border=True, gap="small"):
            draw_template(
                "pages/approvals/templates/uncertain_delivery.html",
                entry=entry,
                creator=found.creators[entry.creator_id].name,
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            uncertain_delivery.render_uncertain_delivery(
                page, found.told[entry.delivery_id], found.now
            )
    draw_template("pages/approvals/templates/open_in_inbox.html", word=page.text)


REFRESH_INTERVAL = "15s"
"""Interval at which an open page checks for new pending items."""

PART = "approvals:part"


def render_page(page: PageContext) -> None:
    """Draw the chosen section, or the first one that has pending items."""
    st.title(page.text("dashboard.page.approvals"))
    found, compared = page.read(lambda scope: _load_page_views(page, scope))
    if pending_counts.is_menu_outdated(found.counts):
        st.rerun()
    parts = _count_pending_by_section(page, found)
    draw_template(
        "pages/approvals/templates/workload.html", found=found, voice=page.localizer, word=page.text
    )
    post_approvals.render_undo(page)
    bulk_approval.render_results(page)
    if not any(parts.values()) and not found.taken and not found.posts:
        draw_template(
            "pages/approvals/templates/empty.html",
            found=found,
            asked=page.has_right(Right.APPROVE),
            voice=page.localizer,
            word=page.text,
        )
    else:
        chosen = _select_section(page, parts, "posts" if found.posts else "requests")
        parts_of: dict[str, Callable[[PageContext, ApprovalsView], None]] = {
            "posts": _render_posts,
            "holds": safety_holds.render_safety_holds,
            "pictures": picture_reviews.render_picture_reviews,
            "doubts": render_uncertain_deliveries,
            "requests": removal_requests.render_removal_requests,
            "second": partial(second_reviews.render_second_reviews, second=found.second),
            "alike": resemblance_reviews.render_resemblance_reviews,
        }
        parts_of[chosen](page, found)
    if compared is not None:
        calibration.render_calibration(page, compared)
    if page.has_right(Right.STAFF):
        approval_policy.render_approval_policies(page, found.creators.values())
    _rerun_on_change(page, found.change_marker)
    draw_template(
        "pages/approvals/templates/footer.html", found=found, voice=page.localizer, word=page.text
    )


def _render_posts(page: PageContext, found: ApprovalsView) -> None:
    """Draw posts one by one or, if chosen, as bulk approval."""
    if bulk_approval.is_bulk_approval_open(page, found):
        bulk_approval.render_bulk_approval(page, found)
    else:
        post_approvals.render_post_approvals(page, found)


def _load_page_views(
    page: PageContext, scope: Scope
) -> tuple[ApprovalsView, CalibrationView | None]:
    found = _load_pending_view(page, scope)
    pending_counts.keep_counts(scope, page.viewer.member, found.counts)
    compared = (
        load_calibration(scope, set(found.creators)) if page.has_right(Right.REVIEW) else None
    )
    return found, compared


def _load_pending_view(page: PageContext, scope: Scope) -> ApprovalsView:
    member = page.viewer.member
    seen = pending_decisions.review_scope_of(member, page.list_creators(scope))
    return load_approvals(scope, seen, member)


def _count_pending_by_section(page: PageContext, found: ApprovalsView) -> dict[str, int]:
    """Return the number of items in each section that this member may decide."""
    counts = found.counts
    content = page.has_right(Right.APPROVE)
    parts = {"posts": counts.posts, "doubts": counts.doubts} if content else {}
    parts |= {"holds": counts.holds, "pictures": counts.pictures}
    parts |= {"alike": counts.alike} if counts.alike else {}
    parts |= {"second": counts.second} if counts.second else {}
    if counts.requests:
        return {"requests": counts.requests, **parts}
    return {**parts, "requests": 0} if found.taken else parts


def _select_section(page: PageContext, parts: dict[str, int], otherwise: str) -> str:
    asked = st.query_params.get("part", "")
    if asked in parts and st.session_state.get(f"{PART}:from") != asked:
        st.session_state[PART] = asked
    st.session_state[f"{PART}:from"] = asked  # A link opens its section once.
    if st.session_state.get(PART) not in parts:
        st.session_state[PART] = next((name for name in parts if parts[name]), otherwise)
    said = {
        name: page.text("approvals.counted", what=page.text(f"approvals.{name}"), count=parts[name])
        for name in parts
    }
    chosen = st.segmented_control(
        page.text("approvals.what"),
        list(parts),
        format_func=said.__getitem__,
        key=PART,
        required=True,
        label_visibility="collapsed",
    )
    return str(chosen or next(iter(parts)))


@st.fragment(run_every=REFRESH_INTERVAL)
def _rerun_on_change(drawn: PageContext, signature: tuple[int, ...]) -> None:
    """Redraw the page when pending items change, except while the member types a reason."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    if page is drawn:
        return  # The first run draws what was read a moment ago.
    if (
        not actions.typed_value(post_approvals.VERDICT_FORM_KEY)
        and _change_signature(page) != signature
    ):
        st.rerun()


def _change_signature(page: PageContext) -> tuple[int, ...]:
    def read(scope: Scope) -> tuple[int, ...]:
        found = _load_pending_view(page, scope)
        pending_counts.keep_counts(scope, page.viewer.member, found.counts)
        return found.change_marker

    return page.read(read)
