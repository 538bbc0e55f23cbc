"""Comparison of the images of one run: keep the good ones and archive the others."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.pages.studio.library import alt_texts
from dashboard.pages.studio.recipes.queries import load_run
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from studio.library import assets as library
from studio.library import queries
from studio.library.queries import AssetCard
from studio.library.search import ANY_VALUE, DEMO_PICTURES
from studio.library.states import ShelfState
from studio.runs import style_similarity
from studio.runs.style_similarity import StyleScore
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

COMPARED_RUN_KEY = "studio:compared"
WIDE = 260


def render_run_comparison(page: PageContext, creator: Creator, made: str) -> None:
    """Draw the compared run, if its images are of the kind that the page shows."""
    chosen = st.session_state.get(COMPARED_RUN_KEY)
    if not chosen:
        return
    try:
        run, cards = page.read(lambda scope: load_run(scope, creator.id, UUID(chosen)))
    except NotFound:  # Another creator was chosen since.
        return _close_comparison()
    if made != ANY_VALUE and any(bool(card.label) != (made == DEMO_PICTURES) for card in cards):
        return _close_comparison()
    note = page.text("studio.variants_note", name=run.recipe, version=run.version, seed=run.seed)
    draw_template(
        "pages/studio/library/templates/section.html", title=page.text("studio.compared"), note=note
    )
    shown = [card for card in cards if not card.standing.is_withheld]
    scores = page.read(
        lambda scope: style_similarity.style_scores(scope, [card.asset_id for card in shown])
    )
    if scores:
        draw_template("shell/templates/note.html", note=page.text("look.score_how"))
        if st.toggle(page.text("look.score_first"), key=f"studio:alike:{chosen}"):
            shown.sort(
                key=lambda card: -1 if (one := scores[card.asset_id].score) is None else one,
                reverse=True,
            )
    with st.container(horizontal=True, gap="small"):
        for card in shown:
            _render_variant(page, creator.id, card, scores.get(card.asset_id))
    with st.container(horizontal=True, gap="small"):
        blurred = page.read(
            lambda scope: library_files.list_blurred(
                scope, {card.asset_id: card.standing.rating for card in shown}
            )
        )
        covered = tuple(card.asset_id for card in shown if card.asset_id in blurred)
        if covered and library_files.can_reveal(page.viewer.member):
            act = partial(reveal_pictures, page, covered)
            actions.action_button(
                page,
                "studio.reveal_all",
                act,
                right=Right.RUN,
                key="studio:reveal",
                icon=":material/visibility:",
            )
        st.button(page.text("studio.close"), key="studio:close", on_click=_close_comparison)
    kept = [card.asset_id for card in shown if card.shelf is ShelfState.KEPT]
    alt_texts.render_alt_text_request(page, creator.id, kept, code="alt.ask_kept", key=chosen)
    alt_texts.render_alt_text_proposals(
        page, creator.id, [card.asset_id for card in shown], pictured=True
    )


def _close_comparison() -> None:
    st.session_state[COMPARED_RUN_KEY] = ""


def _describe_style_score(page: PageContext, score: StyleScore) -> str:
    """Return the similarity to the style references, or the reason why there is none."""
    if score.missing_reason is not None:
        return page.localizer.message_text(score.missing_reason)
    if score.score is None:
        return page.text("look.score_waits")
    return page.text(
        "look.score_faces" if score.of_faces else "look.score_visual", percent=score.score
    )


def _render_variant(
    page: PageContext, creator_id: UUID, card: AssetCard, score: StyleScore | None
) -> None:
    with st.container(width=WIDE, border=True, gap="small"):
        draw_template(
            "pages/studio/library/templates/tile.html",
            src=revealed_picture_url(card.asset_id),
            card=card,
            marks=(),
            word=page.text,
        )
        if score is not None:
            draw_template("shell/templates/note.html", note=_describe_style_score(page, score))
        with st.container(horizontal=True, gap="small"):
            for code, after, icon in (
                ("studio.keep", ShelfState.KEPT, ":material/favorite:"),
                ("studio.put_away", ShelfState.RETIRED, ":material/inventory_2:"),
            ):
                actions.action_button(
                    page,
                    code,
                    partial(shelve_action, page, creator_id, (card.asset_id,), after),
                    right=Right.RUN,
                    key=f"{code}:{card.asset_id}",
                    icon=icon,
                    disabled=card.shelf is after,
                )


def shelve_action(
    page: PageContext,
    creator_id: UUID,
    assets: tuple[UUID, ...],
    after: ShelfState,
    scope: Scope,
    _: UUID,
) -> Message:
    """Keep or archive images of this creator."""
    page.get_creator(scope, creator_id)
    for asset_id in assets:
        if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")
        library.set_shelf_state(scope, asset_id, after)
    code = "studio.shelved_kept" if after is ShelfState.KEPT else "studio.shelved_away"
    return Message(code if len(assets) > 1 else f"{code}_one", {"count": len(assets)})
