"""Reviews of face matches: both images side by side, and the member's answer."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.pages.approvals import resemblance_queries
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.approvals.resemblance_queries import ResemblancePair
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.reviews import resemblance_reviews
from gate.reviews.resemblance_reviews import (
    ANSWER_OTHER,
    ANSWER_SAME,
    ANSWER_TWIN,
    COMPARISON_REASONS,
    FaceComparisonTask,
)
from schedules.approvals.pending_decisions import reviewable_creators
from studio.library import demo_separation
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

DONE = "approvals:alike"
"""Session key prefix of answers that were submitted on this page and that the workers may not have
processed yet."""


def render_resemblance_reviews(page: PageContext, found: ApprovalsView) -> None:
    """Draw each pair with the answers that this member may give."""
    draw_template("shell/templates/note.html", note=page.text("likeness.how"))

    def ask(scope: Scope) -> list[ResemblancePair]:
        return resemblance_queries.list_resemblance_pairs(
            scope, [one.id for one in _list_reviewable_creators(page, scope)], page.viewer.member
        )

    waiting = [
        one
        for one in page.read(ask)
        if st.session_state.get(f"{DONE}:{one.one.id}") != one.one.digest
    ]
    judged = [
        [pair.one.asset_id] for pair in waiting
    ]  # The matched image is shown beside it in any case, so only the judged one decides its kind.
    drawn = [
        waiting[at]
        for at in page.read(lambda scope: demo_separation.same_kind_indexes(scope, judged))
    ]
    if len(waiting) > len(drawn):
        draw_template(
            "shell/templates/note.html",
            note=page.localizer.count_text("approvals.later", len(waiting) - len(drawn)),
        )
    for pair in drawn:
        with st.container(border=True, gap="small"):
            draw_template(
                "pages/approvals/templates/resemblance.html",
                pair=pair,
                one=pair.one,
                picture=revealed_picture_url(pair.one.asset_id) if pair.shot is not None else "",
                others=[(revealed_picture_url(shot.asset_id), shot.title) for shot in pair.others],
                creator=found.creators[pair.one.creator_id].name,
                agreed=sum(said.approves for said in pair.one.said),
                now=found.now,
                voice=page.localizer,
                word=page.text,
            )
            _render_comparison_actions(page, pair)


def _render_comparison_actions(page: PageContext, pair: ResemblancePair) -> None:
    one = pair.one
    key = str(pair.one.id)
    if pair.unseen_pictures:
        actions.action_button(
            page,
            "approvals.reveal",
            partial(reveal_pictures, page, pair.unseen_pictures),
            right=Right.REVIEW,
            key=f"reveal:{key}",
            icon=":material/visibility:",
        )
        return
    if not pair.own:
        st.selectbox(
            page.text("likeness.why"),
            COMPARISON_REASONS,
            index=None,
            placeholder=page.text("approvals.request_choose"),
            format_func=lambda code: page.text(f"likeness.because.{code}"),
            key=f"because:{key}",
        )
    with st.container(horizontal=True, gap="small"):
        for answer in one.answers:
            if answer == ANSWER_TWIN and not page.has_right(Right.RUN):
                continue
            actions.action_button(
                page,
                f"likeness.answer.{answer}",
                partial(_submit_comparison_verdict, page, one, answer),
                right=Right.RUN if answer == ANSWER_TWIN else Right.REVIEW,
                key=f"{answer}:{key}",
                kind="primary" if answer == ANSWER_OTHER else "secondary",
                disabled=bool(pair.own) and answer != ANSWER_SAME,
            )


def _list_reviewable_creators(page: PageContext, scope: Scope) -> list[Creator]:
    return reviewable_creators(page.viewer.member, page.list_creators(scope))


def _submit_comparison_verdict(
    page: PageContext, one: FaceComparisonTask, answer: str, scope: Scope, _: UUID
) -> Message:
    known = resemblance_reviews.get_face_comparison(scope, one.id)
    if known.creator_id not in {each.id for each in _list_reviewable_creators(page, scope)}:
        raise NotFound("likeness.unknown")
    because = str(actions.typed_value(f"because:{one.id}") or "") if answer == ANSWER_OTHER else ""
    maker = resemblance_queries.picture_author(scope, known.asset_id)
    resemblance_reviews.submit_face_judgement(
        scope, one.id, answer, digest=one.digest, because=because, maker=maker
    )
    forms.set_on_success(f"{DONE}:{one.id}", one.digest)
    return Message(f"likeness.done.{answer}")
