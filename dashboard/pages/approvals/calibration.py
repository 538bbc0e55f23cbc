"""Calibration of ratings: members rate the same images without seeing the ratings of others."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import (
    REVEAL_KEY_PREFIX,
    reveal_pictures,
    revealed_picture_url,
)
from dashboard.pages.approvals.second_review_queries import CalibrationView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.reviews import calibration
from schedules.approvals.pending_decisions import reviewable_creators
from tenants.agencies.rights import Right

PICKED = "compare:picked"
"""Session key of the ratings chosen for each image, in order. If a member changes their choice more
than once, the higher rating applies."""


def render_calibration(page: PageContext, found: CalibrationView) -> None:
    """Draw the next image, or the last result with a button to start a calibration."""
    if not (page.has_right(Right.RUN) or found.under_way or found.waits or found.last):
        return  # A guest reviewer without a pending calibration.
    with st.expander(page.text("compare.title"), expanded=found.under_way is not None):
        draw_template("shell/templates/note.html", note=page.text("compare.how"))
        if found.last is not None:
            code = "compare.good" if found.last.is_sufficient else "compare.low"
            draw_template(
                "shell/templates/note.html",
                note=page.text(code, share=page.localizer.format_kappa(found.last.kappa / 1000)),
            )
        if found.under_way is not None and found.asset_id is not None:
            _render_blind_picture(
                page, found, found.under_way.id, found.under_way.left[0], found.asset_id
            )
        elif found.waits or found.others:
            draw_template(
                "shell/templates/note.html",
                note=page.text("compare.waits" if found.waits else "compare.others"),
            )
        elif page.has_right(Right.RUN):
            actions.action_button(
                page,
                "compare.begin",
                partial(_begin_calibration, page),
                right=Right.REVIEW,
                key="compare:begin",
            )


def _reviewable_creator_ids(page: PageContext, scope: Scope) -> set[UUID]:
    return {one.id for one in reviewable_creators(page.viewer.member, page.list_creators(scope))}


def _render_blind_picture(
    page: PageContext, found: CalibrationView, row_id: UUID, sha256: str, asset_id: UUID
) -> None:
    """Draw one image and its rating form.

    The image is hidden until the member presses a button: blurring it would reveal that others
    rated it as adult.
    """
    if found.under_way is None:
        return
    done = found.under_way.total - len(found.under_way.left)
    draw_template(
        "shell/templates/note.html",
        note=page.text("approvals.place", at=done + 1, total=found.under_way.total),
    )
    if not st.session_state.get(f"{REVEAL_KEY_PREFIX}{asset_id}"):
        see = partial(reveal_pictures, page, (asset_id,))
        actions.action_button(
            page, "approvals.reveal_one", see, right=Right.REVIEW, key=f"compare:see:{sha256[:16]}"
        )
        return
    draw_template(
        "pages/approvals/templates/calibration.html",
        src=revealed_picture_url(asset_id),
        alt=page.text("second.picture"),
    )
    key = f"compare:level:{sha256}"
    st.selectbox(
        page.text("studio.rate_as"),
        [str(rating) for rating in Rating],
        index=None,
        placeholder=page.text("sheets.choose_level"),
        format_func=lambda level: page.text(f"studio.level.{level}"),
        key=key,
        on_change=_remember_blind_rating,
        args=(sha256, key),
    )
    act = partial(_submit_blind_rating, row_id, sha256)
    actions.action_button(
        page,
        "studio.rate_now",
        act,
        right=Right.REVIEW,
        key=f"compare:say:{sha256[:16]}",
        kind="primary",
    )


def _remember_blind_rating(sha256: str, key: str) -> None:
    chosen = st.session_state.get(key)
    if chosen:
        kept = st.session_state.get(PICKED, {})
        st.session_state[PICKED] = {**kept, sha256: (*kept.get(sha256, ()), str(chosen))}


def _begin_calibration(page: PageContext, scope: Scope, _: UUID) -> Message:
    calibration.begin_calibration(scope, _reviewable_creator_ids(page, scope))
    return Message("compare.begun")


def _submit_blind_rating(row_id: UUID, sha256: str, scope: Scope, _: UUID) -> Message | None:
    """Submit the rating. Return a message after the last image only."""
    picked = (actions.typed_value(PICKED) or {}).get(sha256, ())
    calibration.rate_blind(scope, row_id, sha256, [Rating(one) for one in picked])
    return (
        Message("compare.waits") if calibration.open_calibration_of_actor(scope) is None else None
    )
