"""The library: pictures by what is asked of them, more handed in, and those that are chosen."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import studio_asked, studio_cards, studio_chosen, studio_collections, studio_erasing
from dashboard.app_pages.studio_variants import COMPARED, clear_src
from dashboard.frame import Page
from dashboard.reads.library import Tile, library
from dashboard.reads.studio import Studio
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.ids import uuid7
from studio import uploads
from tenants.roles import Right

WIDE = 160
FILES, ROUND, PICK, BY_MODEL = "studio:files", "studio:round", "studio:pick:", "studio:by_model"
KINDS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif", "mp4", "m4v", "mov", "webm", "m4a", "ogg"]


def forget() -> None:
    """Another creator: what was chosen and asked of the one before is let go."""
    studio_asked.clear()
    st.session_state[COMPARED] = ""


def show(page: Page, found: Studio) -> None:
    """Draw what is asked, what was chosen, and a page of pictures."""
    facets, after = studio_asked.facets(), studio_asked.place()
    here = page.read(lambda scope: library(scope, found.creator, facets, after))
    total = here.offered.total
    draw("studio_part.html", title=page.word("studio.library"), note=page.voice.some("studio.pictures", total))
    if page.may(Right.RUN):
        _hand_in(page, found, none=not total)
    if not total:
        draw("studio_empty.html", code="studio.no_pictures", word=page.word)
        return
    studio_asked.ask(page, here)
    if here.opened is not None and page.may(Right.RUN):
        studio_collections.manage(page, found.creator.id, here.opened)
    picked = [tile for tile in here.tiles if st.session_state.get(f"{PICK}{tile.card.asset_id}")]
    if picked:
        studio_chosen.show(page, found, here, picked)
    if not here.tiles:
        draw("studio_empty.html", code="studio.collection.empty" if here.opened else "studio.none_so", word=page.word)
    with st.container(horizontal=True, gap="small", key="studio_grid"):
        for tile in here.tiles:
            _tile(page, tile, cover=here.opened is not None and here.opened.cover == tile.card.asset_id)
    studio_asked.turn(page, here.after)
    studio_erasing.edit(page)


def _tile(page: Page, tile: Tile, *, cover: bool) -> None:
    card = tile.card
    with st.container(width=WIDE, gap=None):
        marks = [code for code, on in _marks(tile, cover) if on]
        draw("studio_tile.html", src=clear_src(card.asset_id, "thumb"), card=card, marks=marks, word=page.word)
        label = (card.alt or card.prompt or page.word("studio.no_alt"))[:60]
        st.checkbox(_plain(label), key=f"{PICK}{card.asset_id}")


def _marks(tile: Tile, cover: bool) -> tuple[tuple[str, bool], ...]:
    return ("cover", cover), ("used", tile.used), ("packed", tile.packed), ("sold", tile.sold)


def _plain(label: str) -> str:
    """A label in which nothing is read as a sign."""
    return "".join(f"\\{one}" if one in r"\`*_{}[]()#+-.!:$~>|<" else one for one in " ".join(label.split()))


def _hand_in(page: Page, found: Studio, *, none: bool) -> None:
    with st.expander(page.word("studio.add_photos"), icon=":material/add_photo_alternate:", expanded=none):
        key = f"{FILES}:{st.session_state.get(ROUND, 0)}"
        studio_cards.hand_in(page, found)
        st.checkbox(page.word("studio.by_model"), key=BY_MODEL, help=page.word("studio.by_model_how"))
        st.file_uploader(
            page.word("studio.files"),
            KINDS,
            accept_multiple_files=True,
            key=key,
            on_change=partial(_brought, page, found.creator.id, key),
        )


def _brought(page: Page, creator_id: UUID, key: str) -> None:
    """Hand each file to the workers; the field is then empty again, and what was refused is said."""
    batch = uuid7()  # what was handed in together is looked at together
    for file in st.session_state.get(key) or []:
        act = partial(_receive, page, creator_id, (file.name, file.getvalue()), batch)
        acting.press(act, Right.RUN, f"upload:{file.file_id}")
    st.session_state[ROUND] = st.session_state.get(ROUND, 0) + 1


def _receive(page: Page, creator_id: UUID, file: tuple[str, bytes], batch: UUID, scope: Scope, _: UUID) -> None:
    page.my(scope, creator_id)
    (name, data), by = file, page.who.actor
    uploads.receive(
        scope,
        creator_id=creator_id,
        name=name,
        data=data,
        by=by,
        store=files.store(),
        card=studio_cards.handed(creator_id, scope),
        batch=batch,
        generated=bool(acting.typed(BY_MODEL)),
    )
