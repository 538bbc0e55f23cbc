"""The library: pictures by what is asked of them, more handed in, and those that are chosen."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import studio_cards, studio_chosen
from dashboard.app_pages.studio_variants import COMPARED, clear_src
from dashboard.frame import Page
from dashboard.reads.studio import ALL, FACETS, Facets, Studio, Tile
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.ids import uuid7
from studio import uploads
from tenants.roles import Right

FEW = 24
WIDE = 160
SHOWN, FILES, ROUND, PICK = "studio:shown", "studio:files", "studio:round", "studio:pick:"
KINDS = ["jpg", "jpeg", "png", "webp", "mp4", "m4v", "mov", "webm", "m4a", "ogg"]
VALUES = {
    "rating": ("none", "G", "S", "N", "E"),
    "use": ("used", "unused", "packed", "sold"),
    "origin": ("upload", "generated"),
    "shelf": ("here", "kept", "away"),
}


def facets() -> Facets:
    """What is asked of the library, as it was chosen last."""
    plain = Facets()
    return Facets(**{name: st.session_state.get(f"studio:{name}") or getattr(plain, name) for name in FACETS})


def forget() -> None:
    """Another creator: what was chosen of the one before is let go."""
    st.session_state.update({COMPARED: "", SHOWN: FEW})


def show(page: Page, found: Studio) -> None:
    """Draw the facets, what was chosen, the pictures."""
    draw("studio_part.html", title=page.word("studio.library"), note=page.voice.some("studio.pictures", found.total))
    if page.may(Right.RUN):
        _hand_in(page, found)
    if not found.total:
        draw("studio_empty.html", code="studio.no_pictures", word=page.word)
        return
    _facets(page, found)
    shown = found.tiles[: int(st.session_state.get(SHOWN, FEW))]
    picked = [tile for tile in shown if st.session_state.get(f"{PICK}{tile.card.asset_id}")]
    if picked:
        studio_chosen.show(page, found, picked)
    if not shown:
        draw("studio_empty.html", code="studio.none_so", word=page.word)
    with st.container(horizontal=True, gap="small", key="studio_grid"):
        for tile in shown:
            _tile(page, tile)
    if len(found.tiles) > len(shown):
        rest = len(found.tiles) - len(shown)
        st.button(page.voice.some("studio.more", rest), key="studio:more", on_click=_more)


def _more() -> None:
    st.session_state[SHOWN] = int(st.session_state.get(SHOWN, FEW)) + FEW


def _facets(page: Page, found: Studio) -> None:
    with st.container(horizontal=True, gap="small"):
        for name in FACETS:
            counts, chosen = found.counts[name], getattr(facets(), name)
            values = [ALL, *(one for one in VALUES[name] if counts[one] or one == chosen)]
            said = {
                one: page.word("studio.counted", what=page.word(f"studio.{name}.{one}"), count=counts[one])
                for one in values
            }
            st.session_state[f"studio:{name}"] = chosen
            st.selectbox(
                page.word(f"studio.{name}"), values, format_func=said.__getitem__, key=f"studio:{name}", width=210
            )


def _tile(page: Page, tile: Tile) -> None:
    card = tile.card
    with st.container(width=WIDE, gap=None):
        marks = [code for code, on in (("used", tile.used), ("packed", tile.packed), ("sold", tile.sold)) if on]
        draw("studio_tile.html", src=clear_src(card.asset_id, "thumb"), card=card, marks=marks, word=page.word)
        label = (card.alt or card.prompt or page.word("studio.no_alt"))[:60]
        st.checkbox(_plain(label), key=f"{PICK}{card.asset_id}")


def _plain(label: str) -> str:
    """A label in which nothing is read as a sign."""
    return "".join(f"\\{one}" if one in r"\`*_{}[]()#+-.!:$~>|<" else one for one in " ".join(label.split()))


def _hand_in(page: Page, found: Studio) -> None:
    with st.expander(page.word("studio.add_photos"), icon=":material/add_photo_alternate:", expanded=not found.total):
        key = f"{FILES}:{st.session_state.get(ROUND, 0)}"
        studio_cards.hand_in(page, found)
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
    said = {"card": studio_cards.handed(creator_id, scope), "batch": batch}
    uploads.receive(scope, creator_id=creator_id, name=name, data=data, by=by, store=files.store(), **said)
