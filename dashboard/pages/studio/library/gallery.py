"""The library: filters, uploads, a page of images, and actions for the selection."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.library_files import revealed_picture_url
from dashboard.pages.studio.library import (
    collections,
    deletion,
    search_filters,
    selection,
    shoot_card_assignment,
    tile_actions,
)
from dashboard.pages.studio.library.queries import LibraryTile, load_library
from dashboard.pages.studio.library.run_comparison import COMPARED_RUN_KEY
from dashboard.pages.studio.library.tile_actions import SELECTION_PREFIX
from dashboard.pages.studio.recipes.queries import StudioView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.ids import uuid7
from studio.ingest import uploads
from studio.library.states import ShelfState
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

WIDE = 160
FILES = "studio:files"
ROUND = "studio:round"
BY_MODEL = "studio:by_model"
UPLOAD_FILE_TYPES = [
    "jpg",
    "jpeg",
    "png",
    "webp",
    "heic",
    "heif",
    "avif",
    "gif",
    "mp4",
    "m4v",
    "mov",
    "webm",
    "m4a",
    "ogg",
]


def clear_library_state() -> None:
    """Clear selection and filters when another creator is chosen."""
    search_filters.clear_filters()
    st.session_state[COMPARED_RUN_KEY] = ""


def render_gallery(page: PageContext, found: StudioView) -> None:
    """Draw the filters, the selection and one page of images."""
    facets = search_filters.read_filters()
    after = search_filters.current_cursor()
    here = page.read(lambda scope: load_library(scope, found.creator, facets, after))
    total = here.offered.total
    draw_template(
        "pages/studio/library/templates/section.html",
        title=page.text("studio.library"),
        note=page.localizer.count_text("studio.pictures", total),
    )
    if page.has_right(Right.RUN):
        _render_upload_form(page, found, none=not total)
    if not total:
        draw_template("shell/templates/empty.html", code="studio.no_pictures", word=page.text)
        return
    search_filters.render_search_filters(page, here)
    if here.opened is not None and page.has_right(Right.RUN):
        collections.render_collection_actions(page, found.creator.id, here.opened)
    picked = [
        tile
        for tile in here.tiles
        if st.session_state.get(f"{SELECTION_PREFIX}{tile.card.asset_id}")
    ]
    if picked:
        selection.render_selection(page, found, here, picked)
    if not here.tiles:
        draw_template(
            "shell/templates/empty.html",
            code="studio.collection.empty" if here.opened else "studio.none_so",
            word=page.text,
        )
    with st.container(horizontal=True, gap="small", key="studio_grid"):
        for tile in here.tiles:
            _render_gallery_tile(
                page,
                found.creator,
                tile,
                cover=here.opened is not None and here.opened.cover == tile.card.asset_id,
            )
    search_filters.render_pager(page, here.after)
    deletion.render_deletion_policy(page)


def _render_gallery_tile(
    page: PageContext, creator: Creator, tile: LibraryTile, *, cover: bool
) -> None:
    card = tile.card
    writes = page.has_right(Right.RUN) and card.shelf is not ShelfState.RETIRED
    with st.container(width=WIDE, gap=None):
        marks = [code for code, on in _tile_marks(tile, cover) if on]
        draw_template(
            "pages/studio/library/templates/tile.html",
            src=revealed_picture_url(card.asset_id, "thumb"),
            card=card,
            marks=marks,
            creator=creator if writes else None,
            word=page.text,
        )
        label = (card.title or page.text("studio.no_alt"))[:60]
        st.checkbox(_escape_label(label), key=f"{SELECTION_PREFIX}{card.asset_id}")
        if page.has_right(Right.RUN):
            tile_actions.render_tile_actions(page, creator.id, tile)


def _tile_marks(tile: LibraryTile, cover: bool) -> tuple[tuple[str, bool], ...]:
    return ("cover", cover), ("used", tile.used), ("packed", tile.packed), ("sold", tile.sold)


def _escape_label(label: str) -> str:
    """Escape Markdown characters in a label."""
    return "".join(
        f"\\{one}" if one in r"\`*_{}[]()#+-.!:$~>|<" else one for one in " ".join(label.split())
    )


def _render_upload_form(page: PageContext, found: StudioView, *, none: bool) -> None:
    with st.expander(
        page.text("studio.add_photos"), icon=":material/add_photo_alternate:", expanded=none
    ):
        key = f"{FILES}:{st.session_state.get(ROUND, 0)}"
        shoot_card_assignment.render_upload_card_choice(page, found)
        st.checkbox(
            page.text("studio.by_model"), key=BY_MODEL, help=page.text("studio.by_model_how")
        )
        st.file_uploader(
            page.text("studio.files"),
            UPLOAD_FILE_TYPES,
            accept_multiple_files=True,
            key=key,
            on_change=partial(_submit_uploaded_files, page, found.creator.id, key),
        )


def _submit_uploaded_files(page: PageContext, creator_id: UUID, key: str) -> None:
    """Queue each file for the workers, clear the field and show errors."""
    batch = uuid7()  # Files of one upload are reviewed as one batch.
    for file in st.session_state.get(key) or []:
        act = partial(_receive_upload, page, creator_id, (file.name, file.getvalue()), batch)
        actions.run_action(act, Right.RUN, f"upload:{file.file_id}")
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _receive_upload(
    page: PageContext, creator_id: UUID, file: tuple[str, bytes], batch: UUID, scope: Scope, _: UUID
) -> None:
    page.get_creator(scope, creator_id)
    (name, data) = file
    by = page.viewer.actor
    uploads.receive_upload(
        scope,
        creator_id=creator_id,
        name=name,
        data=data,
        by=by,
        store=library_files.object_store(),
        card=shoot_card_assignment.selected_upload_card(creator_id, scope),
        batch=batch,
        generated=bool(actions.typed_value(BY_MODEL)),
    )
