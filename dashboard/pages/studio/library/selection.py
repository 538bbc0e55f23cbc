"""Actions for selected images: details and tools of one image, or bulk actions for several."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files, player
from dashboard.media.library_files import REVEAL_KEY_PREFIX, reveal_pictures, revealed_picture_url
from dashboard.media.people_question import chosen_answer, render_people_question
from dashboard.pages.studio.library import (
    ai_disclosure,
    alt_texts,
    animations,
    clips,
    collections,
    deletion,
    demo_labels,
    person_tags,
    picture_copies,
    shoot_card_assignment,
    style_references,
    tags,
    variations,
)
from dashboard.pages.studio.library.queries import (
    LibraryTile,
    LibraryView,
    PictureLineage,
    load_lineage,
)
from dashboard.pages.studio.library.run_comparison import shelve_action
from dashboard.pages.studio.recipes.queries import StudioView
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.reviews.rating_reductions import MAX_LOWERING_REASON
from studio.library import assets, member_reviews, playback, queries
from studio.library.states import ShelfState
from studio.packs import packs
from studio.runs import lineage
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right
from tenants.notices import notices

MINOR = "X_minor"


def render_selection(
    page: PageContext, found: StudioView, here: LibraryView, picked: list[LibraryTile]
) -> None:
    """Draw the selection and its actions."""
    creator = found.creator
    blurred = page.read(lambda scope: _list_blurred(scope, picked))
    with st.container(border=True, key="studio_chosen"):
        if len(picked) == 1:
            _render_selected_picture(page, creator, picked[0], covered=bool(blurred))
        else:
            draw_template(
                "pages/studio/library/templates/section.html",
                title=page.text("studio.chosen", count=len(picked)),
                note="",
            )
            _render_reveal_button(
                page,
                "studio.reveal_all",
                [tile for tile in picked if tile.card.asset_id in blurred],
            )
        assets = tuple(tile.card.asset_id for tile in picked)
        with st.container(horizontal=True, gap="small"):
            if page.has_right(Right.REVIEW):
                _render_rating_form(page, creator.id, assets, picked)
            if page.has_right(Right.RUN):
                _render_shelf_actions(page, creator.id, assets, picked)
                _render_pack_form(page, creator.id, assets)
                clips.render_clip_form(page, creator.id, picked)
                tags.render_tags(page, creator.id, picked)
                collections.render_collection_choice(page, creator.id, here, assets)
                shoot_card_assignment.render_card_assignment(page, found, assets)
                ai_disclosure.render_ai_disclosure(page, creator.id, picked)


def _list_blurred(scope: Scope, picked: list[LibraryTile]) -> frozenset[UUID]:
    """Return the selected images that are blurred for the acting member."""
    return library_files.list_blurred(
        scope, {tile.card.asset_id: tile.card.standing.rating for tile in picked}
    )


def _render_selected_picture(
    page: PageContext, creator: Creator, tile: LibraryTile, *, covered: bool
) -> None:
    asset_id = tile.card.asset_id
    found = page.read(lambda scope: load_lineage(scope, creator.id, asset_id))
    left, right = st.columns([1, 1], gap="medium")
    reel, seen = page.read(
        lambda scope: (
            playback.playback_of(scope, [asset_id]).get(asset_id),
            library_files.list_revealed(scope, [asset_id]),
        )
    )
    with left:
        clear = st.session_state.get(f"{REVEAL_KEY_PREFIX}{asset_id}")
        if not player.render_player(page, reel, clear=clear, covered=covered, seen=bool(seen)):
            draw_template(
                "pages/studio/library/templates/picture.html",
                src=revealed_picture_url(asset_id),
                card=tile.card,
            )
        _render_reveal_button(
            page,
            "studio.reveal",
            [tile] if covered else [],
        )
    with right:
        draw_template(
            "pages/studio/library/templates/lineage.html",
            one=found,
            voice=page.localizer,
            word=page.text,
            creator=creator,
        )
        if found.card is not None and page.has_right(Right.REVIEW):
            shoot_card_assignment.render_card_people(page, creator.id, asset_id, found.card)
        if page.has_right(Right.REVIEW) and tile.card.standing.rating not in (None, Rating.G):
            _render_lower_rating_form(page, creator.id, tile)
        if found.card is None and page.has_right(Right.RUN):
            person_tags.render_person_tags(page, creator.id, asset_id, tile.card.sha256)
        if page.has_right(Right.RUN):
            with st.container(horizontal=True, gap="small"):
                _render_picture_tools(page, creator.id, tile, found)
            alt_texts.render_alt_text_proposals(page, creator.id, [asset_id])


def _render_picture_tools(
    page: PageContext, creator_id: UUID, tile: LibraryTile, found: PictureLineage
) -> None:
    """Draw the tools for one image."""
    asset_id = tile.card.asset_id
    demo_labels.render_demo_label(page, creator_id, found)
    deletion.render_delete_button(page, creator_id, tile)
    picture_copies.render_picture_copy_form(page, creator_id, tile.card)
    variations.render_variation_form(page, creator_id, tile.card)
    variations.render_pose_form(page, creator_id, tile.card)
    style_references.render_style_reference_toggle(page, creator_id, tile.card)
    animations.render_animation_form(page, creator_id, tile.card)
    _render_repeat_button(page, creator_id, asset_id, found.story.again)
    person_tags.render_unrecognizable_count(page, creator_id, asset_id)
    with (
        st.popover(page.text("studio.alt"), icon=":material/edit:"),
        forms.open_fields(page, f"alt:{asset_id}"),
    ):
        st.text_input(
            page.text("studio.alt_hint"), tile.card.alt, max_chars=300, key=f"alt:{asset_id}"
        )
        act = partial(_save_alt_text, page, creator_id, asset_id)
        actions.action_button(
            page,
            "studio.alt_keep",
            act,
            right=Right.RUN,
            key=f"alt_keep:{asset_id}",
            kind="primary",
        )
        if not tile.card.seconds:
            alt_texts.render_alt_text_request(
                page, creator_id, [asset_id], code="alt.ask", key=str(asset_id), hint=True
            )


def _render_repeat_button(page: PageContext, creator_id: UUID, asset_id: UUID, count: int) -> None:
    """Draw the button that repeats the run of an image."""
    if count:
        act = partial(_repeat_generation, page, creator_id, asset_id)
        actions.action_button(
            page,
            "studio.again",
            act,
            right=Right.RUN,
            key=f"again:{asset_id}",
            icon=":material/replay:",
        )


def _repeat_generation(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID
) -> Message:
    _check_assets_of_creator(page, scope, creator_id, (asset_id,))
    _, count = lineage.repeat_generation(
        scope, asset_id, key=f"again:{press}", by=page.viewer.actor
    )
    return Message("studio.started" if count > 1 else "studio.started_one", {"count": count})


def _render_lower_rating_form(page: PageContext, creator_id: UUID, tile: LibraryTile) -> None:
    """Draw the form that requests a lower rating. Other members decide on the request.

    The member must reveal the image first and give a reason.
    """
    asset_id = tile.card.asset_id
    with forms.open_fields(page, f"lower:{asset_id}"):
        known = tile.card.standing.rating or Rating.G
        with st.popover(page.text("second.too_high"), icon=":material/arrow_downward:"):
            draw_template("shell/templates/note.html", note=page.text("second.too_high_how"))
            actions.action_button(
                page,
                "studio.reveal",
                partial(reveal_pictures, page, (asset_id,)),
                right=Right.REVIEW,
                key=f"lower:see:{asset_id}",
            )
            st.selectbox(
                page.text("second.lower_to"),
                [str(one) for one in Rating if one.rank < known.rank],
                format_func=lambda one: page.text(f"studio.level.{one}"),
                key=f"lower:to:{asset_id}",
            )
            st.text_area(
                page.text("second.why"),
                max_chars=MAX_LOWERING_REASON,
                height=80,
                key=f"lower:why:{asset_id}",
            )
            forms.show_field_error("reason")
            act = partial(_request_lower_rating, page, creator_id, asset_id)
            actions.action_button(
                page, "second.ask", act, right=Right.REVIEW, key=f"lower:{asset_id}", kind="primary"
            )


def _request_lower_rating(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    _check_assets_of_creator(page, scope, creator_id, (asset_id,))
    wanted = Rating(str(actions.typed_value(f"lower:to:{asset_id}")))
    member_reviews.request_lower_rating(
        scope, asset_id, wanted, why=str(actions.typed_value(f"lower:why:{asset_id}") or "")
    )
    return Message("second.asked")


def _render_reveal_button(page: PageContext, code: str, covered: list[LibraryTile]) -> None:
    """Draw the button that reveals blurred images. The reveal is recorded in the audit log."""
    if covered and library_files.can_reveal(page.viewer.member):
        assets = tuple(tile.card.asset_id for tile in covered)
        right = Right.REVIEW if page.has_right(Right.REVIEW) else Right.RUN
        act = partial(reveal_pictures, page, assets)
        actions.action_button(
            page, code, act, right=right, key=f"reveal:{assets[0]}", icon=":material/visibility:"
        )


def _save_alt_text(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    _check_assets_of_creator(page, scope, creator_id, (asset_id,))
    assets.set_alt_text(scope, asset_id, str(actions.typed_value(f"alt:{asset_id}") or "").strip())
    return Message("studio.alt_kept")


def _check_assets_of_creator(
    page: PageContext, scope: Scope, creator_id: UUID, assets: tuple[UUID, ...]
) -> None:
    """Raise NotFound unless all images belong to a creator who is assigned to this member."""
    page.get_creator(scope, creator_id)
    for asset_id in assets:
        if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")


def _render_shelf_actions(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], picked: list[LibraryTile]
) -> None:
    away = all(tile.card.shelf is ShelfState.RETIRED for tile in picked)
    kept = all(tile.card.shelf is ShelfState.KEPT for tile in picked)
    keep = partial(shelve_action, page, creator_id, assets, ShelfState.KEPT)
    code = "studio.take_out" if away else "studio.keep"
    actions.action_button(
        page,
        code,
        keep,
        right=Right.RUN,
        key="studio:keep",
        icon=":material/favorite:",
        disabled=kept,
    )
    put = partial(shelve_action, page, creator_id, assets, ShelfState.RETIRED)
    actions.action_button(
        page,
        "studio.put_away",
        put,
        right=Right.RUN,
        key="studio:away",
        icon=":material/inventory_2:",
        disabled=away,
    )
    ask = partial(_request_review, page, creator_id, assets)
    actions.action_button(
        page,
        "studio.ask_review",
        ask,
        right=Right.RUN,
        key="studio:ask",
        icon=":material/fact_check:",
    )


def _request_review(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID
) -> Message:
    shelve_action(page, creator_id, assets, ShelfState.KEPT, scope, press)
    told = Message(
        "studio.review_wanted", {"member": page.viewer.member.name, "count": len(assets)}
    )
    notices.put(scope, told, cause=f"review:{creator_id}", urgent=False, creator_id=creator_id)
    return Message("studio.review_asked")


PEOPLE_KEY = "rate:people"
"""Widget key of the question who is shown."""


def _render_rating_form(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], picked: list[LibraryTile]
) -> None:
    least = max(
        (tile.card.standing.rating.rank for tile in picked if tile.card.standing.rating), default=0
    )
    levels = [str(one) for one in Rating if one is Rating.X or one.rank >= least] + [MINOR]
    unseen = page.read(lambda scope: _has_unseen(scope, _list_blurred(scope, picked)))
    with st.popover(page.text("studio.rate"), icon=":material/gavel:"):
        st.radio(
            page.text("studio.rate_as"),
            levels,
            format_func=lambda one: page.text(f"studio.level.{one}"),
            key="rate:as",
        )
        render_people_question(page, PEOPLE_KEY)
        draw_template(
            "shell/templates/note.html",
            note=page.text("approvals.look_first" if unseen else "studio.rate_note"),
        )
        act = partial(_submit_ratings, page, creator_id, assets)
        actions.action_button(
            page,
            "studio.rate_now",
            act,
            right=Right.REVIEW,
            key="studio:rate",
            kind="primary",
            disabled=unseen,
        )


def _has_unseen(scope: Scope, blurred: frozenset[UUID]) -> bool:
    """Return True if the acting member has not revealed all of these images."""
    return bool(blurred) and not library_files.list_revealed(scope, blurred) >= blurred


def _submit_ratings(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID
) -> Message:
    _check_assets_of_creator(page, scope, creator_id, assets)
    level = str(actions.typed_value("rate:as"))
    rated = {one: queries.get_asset_bytes(scope, one).standing.rating for one in assets}
    if _has_unseen(scope, library_files.list_blurred(scope, rated)):
        raise Refused("approvals.look_first")
    for asset_id in assets:
        member_reviews.rate_picture(
            scope,
            asset_id,
            Rating(level[0]),
            minor=level == MINOR,
            shown=chosen_answer(PEOPLE_KEY),
        )
    notices.close(scope, f"review:{creator_id}")
    return Message("studio.rated")


def _render_pack_form(page: PageContext, creator_id: UUID, assets: tuple[UUID, ...]) -> None:
    with (
        st.popover(page.text("studio.pack"), icon=":material/inventory:"),
        forms.open_fields(page, "studio:pack"),
    ):
        st.text_input(page.text("studio.pack_title"), max_chars=packs.MAX_TITLE, key="pack:title")
        forms.show_field_error("title")
        st.text_area(
            page.text("studio.pack_about"), max_chars=packs.MAX_DESCRIPTION, key="pack:about"
        )
        draw_template(
            "shell/templates/note.html",
            note=page.localizer.count_text("studio.pack_note", len(assets)),
        )
        act = partial(_create_pack, page, creator_id, assets)
        actions.action_button(
            page, "studio.pack_now", act, right=Right.RUN, key="studio:pack", kind="primary"
        )


def _create_pack(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID
) -> Message:
    _check_assets_of_creator(page, scope, creator_id, assets)
    title = str(actions.typed_value("pack:title") or "").strip()
    about = str(actions.typed_value("pack:about") or "").strip()
    packs.create_pack(
        scope,
        creator_id=creator_id,
        slug=f"pack-{press}",
        title=title,
        description=about,
        assets=assets,
    )
    return Message("studio.pack_made", {"title": title})
