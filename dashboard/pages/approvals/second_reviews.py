"""Second reviews: requests to lower a rating, and spot checks of automatic approvals."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import (
    REVEAL_KEY_PREFIX,
    reveal_pictures,
    revealed_picture_url,
)
from dashboard.pages.approvals import second_review_queries
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.posts.pending_post import ReviewPicture
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.reviews import rating_reductions, spot_checks
from gate.reviews.rating_reductions import MAX_LOWERING_REASON, LoweringRequest
from gate.reviews.spot_checks import PendingSample
from schedules.approvals import pending_decisions
from schedules.approvals.pending_decisions import SecondReviews, reviewable_creators
from studio.library import assets, demo_separation
from tenants.agencies.rights import Right

DONE = "approvals:second"
"""Session key prefix of answers that were submitted on this page and that the workers may not have
processed yet."""

WORDS = ""


def render_second_reviews(page: PageContext, found: ApprovalsView, second: SecondReviews) -> None:
    """Draw rating requests, then spot checks, oldest first."""
    if not second.count:
        draw_template("shell/templates/note.html", note=page.text("second.nothing"))
    every: list[LoweringRequest | PendingSample] = [*second.wishes, *second.drawn]
    waiting = [one for one in every if not st.session_state.get(f"{DONE}:{one.id}")]
    pictures = (
        page.read(lambda scope: second_review_queries.load_sampled_pictures(scope, second.drawn))
        if second.drawn
        else {}
    )
    names = page.read(
        lambda scope: assets.asset_titles(scope, [wish.asset_id for wish in second.wishes])
    )
    things = [
        [one.asset_id]
        if isinstance(one, LoweringRequest)
        else [shot.asset_id for shot in pictures[one.id].values()]
        for one in waiting
    ]
    drawn = [
        waiting[at]
        for at in page.read(lambda scope: demo_separation.same_kind_indexes(scope, things))
    ]
    for one in drawn:
        with st.container(border=True, gap="small"):
            if isinstance(one, LoweringRequest):
                _render_lowering_request(page, found, one, names.get(one.asset_id, ""))
            else:
                _render_sample(page, found, one, pictures[one.id])
    if len(waiting) > len(drawn):
        draw_template(
            "shell/templates/note.html",
            note=page.localizer.count_text("approvals.later", len(waiting) - len(drawn)),
        )


def _render_lowering_request(
    page: PageContext, found: ApprovalsView, wish: LoweringRequest, name: str
) -> None:
    key = str(wish.id)
    with forms.open_fields(page, key):
        mine = page.viewer.member.id in wish.allowed
        draw_template(
            "pages/approvals/templates/rating_request.html",
            src=revealed_picture_url(wish.asset_id),
            wish=wish,
            name=name,
            creator=found.creators[wish.creator_id].name,
            by=found.decider_name(f"principal:{wish.by}", page.text),
            mine=mine,
            now=found.now,
            voice=page.localizer,
            word=page.text,
        )
        if not mine:
            return
        clear = bool(st.session_state.get(f"{REVEAL_KEY_PREFIX}{wish.asset_id}"))
        see = partial(reveal_pictures, page, (wish.asset_id,))
        actions.action_button(
            page, "approvals.reveal_one", see, right=Right.REVIEW, key=f"reveal:{key}"
        )
        st.text_area(
            page.text("second.why"), max_chars=MAX_LOWERING_REASON, height=80, key=f"why:{key}"
        )
        forms.show_field_error("reason")
        with st.container(horizontal=True, gap="small"):
            for code, agree in (("second.agree", True), ("second.refuse", False)):
                act = partial(_submit_lowering_vote, page, wish.id, agree)
                actions.action_button(
                    page, code, act, right=Right.REVIEW, key=f"{code}:{key}", disabled=not clear
                )


def _submit_lowering_vote(
    page: PageContext, wish_id: UUID, agree: bool, scope: Scope, _: UUID
) -> Message:
    if wish_id not in {
        one.id
        for one in rating_reductions.list_lowering_requests(
            scope, _reviewable_creator_ids(page, scope)
        )
    }:
        raise NotFound("lowering.unknown")
    rating_reductions.vote_on_lowering(
        scope, wish_id, agree=agree, why=str(actions.typed_value(f"why:{wish_id}") or "")
    )
    forms.set_on_success(f"{DONE}:{wish_id}", True)
    return Message("second.agreed" if agree else "second.refused")


def _reviewable_creator_ids(page: PageContext, scope: Scope) -> set[UUID]:
    return {one.id for one in reviewable_creators(page.viewer.member, page.list_creators(scope))}


def _render_sample(
    page: PageContext, found: ApprovalsView, one: PendingSample, shots: Mapping[str, ReviewPicture]
) -> None:
    key = str(one.id)
    texts = [text.body for text in one.unit.texts if text.body.strip()]
    seen = [(revealed_picture_url(shot.asset_id), shot.title) for shot in shots.values()]
    draw_template(
        "pages/approvals/templates/second_review.html",
        one=one,
        texts=texts,
        shots=seen,
        creator=found.creators[one.creator_id].name,
        by=found.decider_name(one.author, page.text),
        now=found.now,
        voice=page.localizer,
        word=page.text,
    )
    unseen = tuple(shot.asset_id for shot in shots.values() if shot.covered and not shot.seen)
    if unseen:
        see = partial(reveal_pictures, page, unseen)
        actions.action_button(
            page, "approvals.reveal", see, right=Right.REVIEW, key=f"reveal:{key}"
        )
        return
    agree = partial(_submit_sample_reading, page, one.id, "", "")
    actions.action_button(
        page, "second.read_fine", agree, right=Right.REVIEW, key=f"fine:{key}", kind="primary"
    )
    with st.popover(page.text("second.read_more")):
        _render_raise_form(page, one, shots)


def _render_raise_form(
    page: PageContext, one: PendingSample, shots: Mapping[str, ReviewPicture]
) -> None:
    """Draw the form that raises the rating of one part."""
    key = str(one.id)
    parts = [*([WORDS] if one.unit.texts else []), *shots]
    named = {
        part: page.text("second.words") if part == WORDS else shots[part].title for part in parts
    }
    st.selectbox(
        page.text("second.which"),
        parts,
        format_func=lambda part: named[part] or page.text("second.picture"),
        key=f"part:{key}",
    )
    levels = [str(rating) for rating in Rating if rating.rank > one.rating.rank]
    st.selectbox(
        page.text("studio.rate_as"),
        levels,
        format_func=lambda level: page.text(f"studio.level.{level}"),
        key=f"to:{key}",
    )
    act = partial(_submit_raised_rating, page, one.id)
    actions.action_button(page, "second.read_raise", act, right=Right.REVIEW, key=f"raise:{key}")


def _submit_raised_rating(page: PageContext, sample_id: UUID, scope: Scope, press: UUID) -> Message:
    to = str(actions.typed_value(f"to:{sample_id}") or "")
    if not to:
        raise BadInput("review.set_unclear")
    return _submit_sample_reading(
        page, sample_id, to, str(actions.typed_value(f"part:{sample_id}") or ""), scope, press
    )


def _submit_sample_reading(
    page: PageContext, sample_id: UUID, to: str, what: str, scope: Scope, _: UUID
) -> Message:
    guest = not page.has_right(Right.RUN, Right.APPROVE)
    waiting = pending_decisions.list_second_reviews(
        scope, _reviewable_creator_ids(page, scope), guest=guest
    ).drawn
    if sample_id not in {one.id for one in waiting}:
        raise NotFound("sample.unknown")
    spot_checks.submit_sample_reading(
        scope, sample_id, raised_to=Rating(to) if to else None, what=what
    )
    forms.set_on_success(f"{DONE}:{sample_id}", True)
    return Message("second.read_raised" if to else "second.read_done")
