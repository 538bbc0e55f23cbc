"""Image reviews: set ratings, and allow or refuse images that show nudity.

Images are blurred until the member reveals them.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files, player
from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.media.people_question import chosen_answer, render_people_question
from dashboard.pages.approvals import review_sheets
from dashboard.pages.approvals.post_approvals import render_videos
from dashboard.pages.approvals.queries import ApprovalsView, PictureReview, load_picture_reviews
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.reviews.calibration import final_rating
from studio.library import member_reviews, queries
from studio.library.queries import AssetCard
from tenants.agencies.rights import Right
from tenants.notices import notices

MINOR = "X_minor"
FEW = 12
WIDE = 300
PICKED = "pictures:picked"
"""Session key of the ratings chosen for each image, in order."""


def render_picture_reviews(page: PageContext, found: ApprovalsView) -> None:
    """Draw the review sheets, then images that are on no sheet."""
    sheet = review_sheets.render_review_sheets(page, found)
    if not found.pictures and not found.sheets:
        draw_template("shell/templates/note.html", note=page.text("approvals.no_pictures"))
    if not found.pictures:
        return
    drawn = _list_same_kind_pictures(
        sheet.cards if sheet is not None else found.pictures[:1], found.pictures
    )[:FEW]
    waiting = page.read(lambda scope: load_picture_reviews(scope, drawn, page.viewer.member))
    with st.container(horizontal=True, gap="small"):
        for place, one in enumerate(waiting):
            with st.container(
                width=player.PLAYER_WIDTH if one.card.seconds else WIDE, border=True, gap="small"
            ):
                _render_picture_review(page, found, one, keys=place == 0 and not found.sheets)
    if len(found.pictures) > len(drawn):
        draw_template(
            "shell/templates/note.html",
            note=page.localizer.count_text(
                "approvals.more_pictures", len(found.pictures) - len(drawn)
            ),
        )


def _list_same_kind_pictures(
    first: Sequence[AssetCard], pictures: Sequence[AssetCard]
) -> Sequence[AssetCard]:
    """Return the images of the same kind as the first: real or demo.

    Demo images and real generated images are never shown on one screen.
    """
    cards = [*first, *pictures]
    if not any(one.label for one in cards) or not any(
        one.seed is not None and not one.label for one in cards
    ):
        return pictures
    return [one for one in pictures if bool(one.label) == bool(first[0].label)]


def _render_picture_review(
    page: PageContext, found: ApprovalsView, one: PictureReview, *, keys: bool
) -> None:
    """Draw one image with its review form. The first image also has keyboard shortcuts."""
    card = one.card
    name = found.creators[card.creator_id].name
    draw_template(
        "pages/approvals/templates/picture.html",
        src=revealed_picture_url(card.asset_id),
        card=card,
        creator=name,
        doubts=one.doubts,
        word=page.text,
    )
    if one.past:
        draw_template(
            "pages/approvals/templates/past_decisions.html",
            past=one.past,
            found=found,
            voice=page.localizer,
            word=page.text,
        )
    render_videos(page, [one.shot])
    if not one.shot.seen:
        actions.action_button(
            page,
            "approvals.reveal_one",
            partial(reveal_pictures, page, (card.asset_id,)),
            right=Right.REVIEW,
            key=f"reveal:{card.asset_id}",
            shortcut="P" if keys else None,
            icon=":material/visibility:",
        )
        return
    if card.standing.rating is None or one.unanswered:
        _render_rating_actions(page, card)
    else:
        _render_review_actions(page, card, one.own, keys=keys)


def _render_rating_actions(page: PageContext, card: AssetCard) -> None:
    levels = [str(one) for one in Rating] + [MINOR]
    key = f"level:{card.asset_id}"
    st.selectbox(
        page.text("studio.rate_as"),
        levels,
        format_func=lambda one: page.text(f"studio.level.{one}"),
        key=key,
        on_change=_remember_picked_rating,
        args=(card.asset_id, key),
    )
    render_people_question(page, f"shown:{card.asset_id}")
    act = partial(_submit_picture_rating, page, card.asset_id)
    actions.action_button(
        page,
        "studio.rate_now",
        act,
        right=Right.REVIEW,
        key=f"rate:{card.asset_id}",
        kind="primary",
    )


def _remember_picked_rating(asset_id: UUID, key: str) -> None:
    """Store the choice. If a member changes it more than once, the highest chosen rating counts."""
    kept = st.session_state.get(PICKED, {})
    chosen = Rating(str(st.session_state[key])[0])
    st.session_state[PICKED] = {**kept, str(asset_id): (*kept.get(str(asset_id), ()), chosen)}


def _render_review_actions(page: PageContext, card: AssetCard, own: str, *, keys: bool) -> None:
    if own:
        draw_template("shell/templates/note.html", note=page.text(own))
    with st.container(horizontal=True, gap="small"):
        for code, approve, key in (("approvals.allow", True, "A"), ("approvals.deny", False, "X")):
            actions.action_button(
                page,
                code,
                partial(_submit_picture_review, page, card.asset_id, approve),
                right=Right.REVIEW,
                key=f"{code}:{card.asset_id}",
                kind="primary" if approve else "secondary",
                shortcut=key if keys else None,
                disabled=bool(own) and approve,
            )


def _check_picture_reviewable(page: PageContext, scope: Scope, asset_id: UUID) -> UUID:
    """Check that this member may review the image. Return its creator's ID.

    Raises NotFound if the creator is not assigned to them, and Refused if they have not revealed
    the image.
    """
    creator_id = queries.get_asset_bytes(scope, asset_id).creator_id
    page.get_creator(scope, creator_id)
    works = page.has_right(Right.RUN, Right.APPROVE)
    if (
        not works and not page.viewer.member.creators
    ):  # Guest reviewers see only creators assigned to them.
        raise NotFound("library.asset_unknown", destination="-")
    if not library_files.list_revealed(scope, [asset_id]):
        raise Refused("approvals.look_first")
    return creator_id


def _submit_picture_rating(page: PageContext, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    creator_id = _check_picture_reviewable(page, scope, asset_id)
    level = str(actions.typed_value(f"level:{asset_id}"))
    picked = (actions.typed_value(PICKED) or {}).get(str(asset_id), ())
    member_reviews.rate_picture(
        scope,
        asset_id,
        final_rating([*picked, Rating(level[0])]),
        minor=level == MINOR,
        shown=chosen_answer(f"shown:{asset_id}"),
    )
    notices.close(scope, f"review:{creator_id}")
    return Message("studio.rated")


def _submit_picture_review(
    page: PageContext, asset_id: UUID, approve: bool, scope: Scope, _: UUID
) -> Message:
    _check_picture_reviewable(page, scope, asset_id)
    member_reviews.review_picture(scope, asset_id, approve=approve)
    return Message("approvals.picture_allowed" if approve else "approvals.picture_denied")
