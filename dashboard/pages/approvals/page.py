"""The Approvals page: posts, safety holds, images, unconfirmed posts and removal requests."""

from collections.abc import Callable, Sequence
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
from dashboard.pages.approvals.queries import ApprovalsView, load_approvals, reviewable_creators
from dashboard.pages.approvals.second_review_queries import (
    CalibrationView,
    SecondReviewsView,
    load_calibration,
    load_second_reviews,
)
from dashboard.pages.posts import uncertain_delivery
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from tenants.agencies.queries import Creator
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
    draw_template("pages/posts/templates/style.html", word=page.text)
    draw_template("pages/approvals/templates/style.html")
    draw_template("pages/posts/templates/feed_preview_style.html")
    st.title(page.text("dashboard.page.approvals"))
    found, more, compared = page.read(lambda scope: _load_page_views(page, scope))
    parts = _count_pending_by_section(page, found, more)
    draw_template(
        "pages/approvals/templates/workload.html", found=found, voice=page.localizer, word=page.text
    )
    post_approvals.render_undo(page)
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
            "second": partial(second_reviews.render_second_reviews, second=more),
            "alike": resemblance_reviews.render_resemblance_reviews,
        }
        parts_of[chosen](page, found)
    if compared is not None:
        calibration.render_calibration(page, compared)
    if page.has_right(Right.STAFF):
        approval_policy.render_approval_policies(page, found.creators.values())
    _rerun_on_change(page, (*found.change_marker, more.count))
    draw_template(
        "pages/approvals/templates/footer.html", found=found, voice=page.localizer, word=page.text
    )


def _render_posts(page: PageContext, found: ApprovalsView) -> None:
    """Draw posts one by one or, if chosen, as bulk approval."""
    if bulk_approval.is_bulk_approval_open(page, found):
        bulk_approval.render_bulk_approval(page, found)
    else:
        post_approvals.render_post_approvals(page, found)


def _list_reviewable_creators(page: PageContext, scope: Scope) -> list[Creator]:
    return reviewable_creators(
        page.viewer.member,
        page.list_creators(scope),
        works=page.has_right(Right.RUN, Right.APPROVE),
    )


def _load_page_views(
    page: PageContext, scope: Scope
) -> tuple[ApprovalsView, SecondReviewsView, CalibrationView | None]:
    mine = _list_reviewable_creators(page, scope)
    compared = (
        load_calibration(scope, {one.id for one in mine}) if page.has_right(Right.REVIEW) else None
    )
    return *_load_pending_views(page, scope, mine), compared


def _load_pending_views(
    page: PageContext, scope: Scope, mine: Sequence[Creator]
) -> tuple[ApprovalsView, SecondReviewsView]:
    works = page.has_right(Right.RUN, Right.APPROVE)
    content = page.has_right(Right.APPROVE)
    review = page.has_right(Right.REVIEW)
    found = load_approvals(
        scope, mine, content=content, review=review, decide=works and review, guest=not works
    )
    asked = {one.id for one in mine} if review else set()
    return found, load_second_reviews(scope, asked, guest=not works)


def _count_pending_by_section(
    page: PageContext, found: ApprovalsView, more: SecondReviewsView
) -> dict[str, int]:
    """Return the number of items in each section that this member may decide."""
    mine = sum(one.can_be_approved_by(page.viewer.member.principal_id) for one in found.posts)
    parts = {"posts": mine, "doubts": len(found.doubts)} if page.has_right(Right.APPROVE) else {}
    parts |= {"holds": len(found.holds), "pictures": len(found.sheets) + len(found.pictures)}
    parts |= {"alike": found.alike} if found.alike else {}
    parts |= {"second": more.count} if more.count else {}
    asked = len(found.requests) + len(found.again)
    if asked:
        return {"requests": asked, **parts}
    return {**parts, "requests": 0} if found.taken else parts


def _select_section(page: PageContext, parts: dict[str, int], otherwise: str) -> str:
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
    found, more = page.read(
        lambda scope: _load_pending_views(page, scope, _list_reviewable_creators(page, scope))
    )
    return (*found.change_marker, more.count)
