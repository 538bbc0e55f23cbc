"""Media of a draft: pictures from the library, and uploads, which workers process."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.people_question import chosen_answer, render_people_question
from dashboard.pages.compose import channel_overrides
from dashboard.pages.compose.draft import (
    PICTURE_PAGE_SIZE,
    SHOWN_PICTURES_KEY,
    TICK_PREFIX,
    UPLOADS_KEY,
    id_list,
    selected_media_target,
)
from dashboard.pages.compose.queries import ComposeView, list_unrated
from dashboard.pages.posts.remedies import RATING_REMEDIES, find_remedy
from dashboard.pages.studio.library import alt_texts
from dashboard.shell import actions, page_context
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from gate.contract.units import Rating
from studio.ingest import uploads
from studio.ingest.states import UploadState
from studio.library import assets, member_reviews
from studio.library.assets import AssetTile
from tenants.agencies.rights import Right

TICK = "1s"
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
FILES = "compose:files"
WIDE = 140
"""Width of a thumbnail in pixels: four fit next to each other, two on a phone."""

ALT_TEXT_PREFIX = "compose:alt:"
MAX_ALT_LENGTH = 500
RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)

PEOPLE_KEY = "compose:people"
"""Widget key of the question who is shown."""


def render_media_picker(page: PageContext, found: ComposeView) -> None:
    """Render the selected media with their alt texts, the upload, and the library."""
    draw_template("pages/compose/templates/section.html", title=page.text("compose.pictures"))
    channel_overrides.select_media_target(page, found.accounts)
    _render_selected_media(page, found)
    _render_rating_choice(page, found)
    round_ = st.session_state.get("compose:round", 0)
    st.file_uploader(
        page.text("compose.upload"),
        UPLOAD_FILE_TYPES,
        accept_multiple_files=True,
        key=f"{FILES}:{round_}",
        on_change=partial(_submit_uploaded_files, page, found.creator.id, f"{FILES}:{round_}"),
    )
    draw_template("shell/templates/note.html", note=page.text("compose.attach_hint"))
    browser_component("attach")(key="attach", height="content")
    if found.uploads:
        _poll_uploads(page, found.creator.id)
    if found.tiles:
        with st.expander(page.text("compose.library"), icon=":material/photo_library:"):
            _render_library(page, found)
    elif not found.uploads:
        draw_template("shell/templates/empty.html", code="compose.no_pictures", word=page.text)


def _render_selected_media(page: PageContext, found: ComposeView) -> None:
    """Render the media of the selected part in order, with buttons that remove them."""
    tiles = {tile.asset_id: tile for tile in found.tiles}
    chosen = [tiles[one] for one in id_list(selected_media_target()) if one in tiles]
    if not chosen:
        return
    with st.container(horizontal=True, gap="small", key="gr_chosen"):
        for number, tile in enumerate(chosen, start=1):
            with st.container(width=WIDE, gap=None):
                _draw_tile(page, found, tile)
                st.button(
                    page.text("compose.remove_picture", number=number),
                    key=f"compose:unpick:{tile.asset_id}",
                    type="tertiary",
                    on_click=_remove_picture,
                    args=(str(tile.asset_id),),
                )
    for tile in chosen:
        if tile.asset_id in found.packs:
            _draw_pack_note(page, tile, found.packs[tile.asset_id])
    _render_alt_text_fields(page, found)


def _draw_pack_note(page: PageContext, tile: AssetTile, packs: Sequence[str]) -> None:
    title = tile.title or page.text("shop.picture")
    note = page.text("compose.in_pack", title=title, packs=", ".join(packs))
    draw_template("shell/templates/note.html", note=note)


def _render_library(page: PageContext, found: ComposeView) -> None:
    with st.container(
        height=380 if len(found.tiles) > PICTURE_PAGE_SIZE // 2 else "content", border=False
    ):
        _render_media_tiles(page, found)
    if len(found.tiles) >= st.session_state.get(SHOWN_PICTURES_KEY, PICTURE_PAGE_SIZE):
        st.button(
            page.text("compose.more_pictures"),
            key="compose:more",
            type="tertiary",
            on_click=_show_more_pictures,
        )


def _draw_tile(page: PageContext, found: ComposeView, tile: AssetTile) -> None:
    unrated = tile.asset_id in found.unrated
    revealed = f"{library_files.REVEAL_KEY_PREFIX}{tile.asset_id}" in st.session_state
    draw_template(
        "pages/compose/templates/tile.html",
        src=library_files.revealed_picture_url(tile.asset_id, "thumb")
        if revealed
        else library_files.picture_url(tile.asset_id, unrated=unrated),
        alt=tile.title,
        label=tile.label,
        word=page.text,
    )


def _render_rating_choice(page: PageContext, found: ComposeView) -> None:
    """Render the rating of selected pictures that have none, and for members who may rate, the
    button that reveals them."""
    asked = tuple(found.unrated)
    if not asked:
        return
    if not page.has_right(Right.REVIEW):
        draw_template("shell/templates/note.html", note=page.text("compose.unrated_others"))
        _poll_ratings(page, asked)
        return
    with st.container(border=True, key="compose:rating"):
        draw_template(
            "pages/compose/templates/rating_note.html",
            note=page.text("compose.unrated", count=len(asked)),
        )
        render_people_question(page, PEOPLE_KEY)
        actions.action_button(
            page,
            "studio.reveal_all" if len(asked) > 1 else "studio.reveal",
            partial(library_files.reveal_pictures, page, asked),
            right=Right.REVIEW,
            key="compose:reveal",
            icon=":material/visibility:",
        )
        with st.container(horizontal=True, gap="small"):
            for one in RATINGS:
                act = partial(_rate_pictures, page, found.creator.id, asked, one)
                actions.action_button(
                    page,
                    f"compose.rating.{one}",
                    act,
                    right=Right.REVIEW,
                    key=f"compose:rate:{one}",
                )
    _poll_ratings(page, asked)


def find_composer_remedy(page: PageContext, found: ComposeView, reason: Message) -> tuple[str, str]:
    """Return the address and the link text of the remedy of a rejection; that of a missing rating
    is the form below the pictures of the draft."""
    if reason.code in RATING_REMEDIES and found.unrated and page.has_right(Right.REVIEW):
        return "#gr-rating", "home.to.rating"
    return find_remedy(reason, page.viewer.member)


def _rate_pictures(
    page: PageContext,
    creator_id: UUID,
    assets: tuple[UUID, ...],
    rating: Rating,
    scope: Scope,
    _: UUID,
) -> Message:
    page.get_creator(scope, creator_id)
    for asset in assets:
        member_reviews.rate_picture(scope, asset, rating, shown=chosen_answer(PEOPLE_KEY))
    return Message("compose.rated")


@st.fragment(run_every=TICK)
def _poll_ratings(drawn: PageContext, assets: tuple[UUID, ...]) -> None:
    """Poll for the ratings, which workers write. Rerun the page when they are complete."""
    page = page_context.current_page()
    if (
        page is None
        or page.viewer != drawn.viewer
        or not page.read(lambda scope: list_unrated(scope, assets))
    ):
        st.rerun()


def _render_media_tiles(page: PageContext, found: ComposeView) -> None:
    chosen = id_list(selected_media_target())
    with st.container(horizontal=True, gap="small"):
        for tile in found.tiles:
            with st.container(width=WIDE, gap=None):
                _draw_tile(page, found, tile)
                key = f"{TICK_PREFIX}{tile.asset_id}"
                st.session_state[key] = tile.asset_id in chosen
                st.checkbox(
                    escape_markdown((tile.title or page.text("compose.no_alt"))[:60]),
                    key=key,
                    on_change=_toggle_picture,
                    args=(str(tile.asset_id),),
                    wrap=True,
                )


def _render_alt_text_fields(page: PageContext, found: ComposeView) -> None:
    """Render the alt text of each selected picture. The safety check covers it like all
    other text."""
    known = {tile.asset_id: tile.alt for tile in found.tiles}
    for number, asset in enumerate(
        (one for one in id_list(selected_media_target()) if one in known), start=1
    ):
        key = f"{ALT_TEXT_PREFIX}{asset}"
        st.text_input(
            page.text("compose.alt", number=number),
            known[asset],
            key=key,
            max_chars=MAX_ALT_LENGTH,
            on_change=_handle_alt_text_change,
            args=(page, found.creator.id, asset, key),
        )
    chosen = [asset for asset in id_list(selected_media_target()) if asset in known]
    alt_texts.render_alt_text_request(
        page, found.creator.id, chosen, code="alt.ask_chosen", key="compose"
    )
    alt_texts.render_alt_text_proposals(page, found.creator.id, chosen, pictured=len(chosen) > 1)


def _handle_alt_text_change(page: PageContext, creator_id: UUID, asset: UUID, key: str) -> None:
    alt = str(st.session_state.get(key) or "").strip()
    actions.run_action(partial(_save_alt_text, page, creator_id, asset, alt), Right.RUN, key)


def _save_alt_text(
    page: PageContext, creator_id: UUID, asset: UUID, alt: str, scope: Scope, _: UUID
) -> None:
    page.get_creator(scope, creator_id)
    assets.check_assets_owned(scope, creator_id, [asset])
    assets.set_alt_text(scope, asset, alt)


def _toggle_picture(asset_id: str) -> None:
    """Select or deselect a picture. Pictures are in the order of selection."""
    key = selected_media_target()
    rest = [one for one in st.session_state.get(key, []) if one != asset_id]
    st.session_state[key] = (
        [*rest, asset_id] if st.session_state.get(f"{TICK_PREFIX}{asset_id}") else rest
    )


def _remove_picture(asset_id: str) -> None:
    key = selected_media_target()
    st.session_state[key] = [one for one in st.session_state.get(key, []) if one != asset_id]


def _show_more_pictures() -> None:
    st.session_state[SHOWN_PICTURES_KEY] = (
        st.session_state.get(SHOWN_PICTURES_KEY, PICTURE_PAGE_SIZE) + PICTURE_PAGE_SIZE
    )


def _submit_uploaded_files(page: PageContext, creator_id: UUID, key: str) -> None:
    """Submit each uploaded file to the workers, then clear the field."""
    kept: list[str] = []
    batch = uuid7()  # Files of one upload are processed together.
    for file in st.session_state.get(key) or []:
        act = partial(_receive_upload, page, creator_id, (file.name, file.getvalue(), batch), kept)
        actions.run_action(act, Right.RUN, f"upload:{file.file_id}")
    known = st.session_state.get(UPLOADS_KEY, [])
    st.session_state[UPLOADS_KEY] = list(dict.fromkeys([*known, *kept]))
    st.session_state["compose:round"] = st.session_state.get("compose:round", 0) + 1


def _receive_upload(
    page: PageContext,
    creator_id: UUID,
    file: tuple[str, bytes, UUID],
    kept: list[str],
    scope: Scope,
    _: UUID,
) -> None:
    page.get_creator(scope, creator_id)
    (name, data, batch) = file
    by = page.viewer.actor
    upload = uploads.receive_upload(
        scope,
        creator_id=creator_id,
        name=name,
        data=data,
        by=by,
        store=library_files.object_store(),
        batch=batch,
    )
    kept.append(str(upload))


@st.fragment(run_every=TICK)
def _poll_uploads(drawn: PageContext, creator_id: UUID) -> None:
    """Render the progress of uploads. Add each completed picture to the post."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    ids = id_list(UPLOADS_KEY)
    found = page.read(lambda scope: uploads.get_uploads(scope, ids))
    mine = [found[one] for one in ids if one in found and found[one].creator_id == creator_id]
    arrived = [
        str(one.asset_id)
        for one in mine
        if one.state is UploadState.READY and one.asset_id is not None
    ]
    if arrived:
        key = selected_media_target()
        st.session_state[key] = list(dict.fromkeys([*st.session_state.get(key, []), *arrived]))
        left = [str(one.id) for one in mine if one.state is not UploadState.READY]
        st.session_state[UPLOADS_KEY] = left
        st.rerun()
    draw_template(
        "pages/compose/templates/uploads.html", uploads=mine, voice=page.localizer, word=page.text
    )
