"""Pictures of a post that is being written: from the library, or handed in, which takes the workers a moment."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files, frame
from dashboard.app_pages import compose_places, studio_alts
from dashboard.app_pages.compose_draft import BROUGHT, FEW, SHOWN, TICKED, chosen_for, listed
from dashboard.frame import Page
from dashboard.reads.compose import Desk, unrated
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.ids import uuid7
from foundation.words import Message
from gate.units import Rating
from studio import judging, library, uploads
from studio.states import UploadState
from tenants.roles import Right

TICK = "1s"
KINDS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif", "mp4", "m4v", "mov", "webm", "m4a", "ogg"]
FILES = "compose:files"
WIDE = 140
"""Pixels of a picture to choose: four beside each other, two on a phone."""

WORDS = "compose:alt:"
LONGEST_ALT = 500
RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)


def show(page: Page, found: Desk) -> None:
    """Draw what was chosen, what can be, and how what was handed in is getting on."""
    draw("compose_part.html", title=page.word("compose.pictures"))
    compose_places.target(page, found.accounts)
    round_ = st.session_state.get("compose:round", 0)
    st.file_uploader(
        page.word("compose.upload"),
        KINDS,
        accept_multiple_files=True,
        key=f"{FILES}:{round_}",
        on_change=partial(_brought, page, found.creator.id, f"{FILES}:{round_}"),
    )
    if found.uploads:
        _waiting(page, found.creator.id)
    if found.tiles:
        with st.container(height=380 if len(found.tiles) > FEW // 2 else "content", border=False):
            _tiles(page, found)
        _words(page, found)
        if len(found.tiles) >= st.session_state.get(SHOWN, FEW):
            st.button(page.word("compose.more_pictures"), key="compose:more", type="tertiary", on_click=_more)
    elif not found.uploads:
        draw("calendar_empty.html", code="compose.no_pictures", word=page.word)


def rating(page: Page, found: Desk) -> None:
    """Where a chosen picture has no rating yet: say what it shows, here."""
    asked = tuple(found.unrated)
    if not asked:
        return
    with st.container(border=True, key="compose:rating"):
        draw("calendar_note.html", note=page.word("compose.unrated", count=len(asked)))
        with st.container(horizontal=True, gap="small"):
            for one in RATINGS:
                act = partial(_rate, page, found.creator.id, asked, one)
                acting.button(page, f"compose.rating.{one}", act, right=Right.REVIEW, key=f"compose:rate:{one}")
    _rated(page, asked)


def _rate(page: Page, creator_id: UUID, assets: tuple[UUID, ...], rating: Rating, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    for asset in assets:
        judging.rate(scope, asset, rating)
    return Message("compose.rated")


@st.fragment(run_every=TICK)
def _rated(drawn: Page, assets: tuple[UUID, ...]) -> None:
    """The rating is written by the workers: once it stands, the page is drawn with it."""
    page = frame.look()
    if page is None or page.who != drawn.who or not page.read(lambda scope: unrated(scope, assets)):
        st.rerun()


def _tiles(page: Page, found: Desk) -> None:
    chosen = listed(chosen_for())
    with st.container(horizontal=True, gap="small"):
        for tile in found.tiles:
            with st.container(width=WIDE, gap=None):
                src = files.src(tile.asset_id, unrated=tile.asset_id in found.unrated)
                draw("compose_tile.html", src=src, alt=tile.alt, label=tile.label, word=page.word)
                key = f"{TICKED}{tile.asset_id}"
                st.session_state[key] = tile.asset_id in chosen
                st.checkbox(
                    (tile.alt or page.word("compose.no_alt"))[:60],
                    key=key,
                    on_change=_ticked,
                    args=(str(tile.asset_id),),
                    wrap=True,
                )


def _words(page: Page, found: Desk) -> None:
    """What stands in the place of each chosen picture for who cannot see it; it is judged with the rest."""
    known = {tile.asset_id: tile.alt for tile in found.tiles}
    for number, asset in enumerate((one for one in listed(chosen_for()) if one in known), start=1):
        key = f"{WORDS}{asset}"
        st.text_input(
            page.word("compose.alt", number=number),
            known[asset],
            key=key,
            max_chars=LONGEST_ALT,
            on_change=_worded,
            args=(page, found.creator.id, asset, key),
        )
    chosen = [asset for asset in listed(chosen_for()) if asset in known]
    studio_alts.ask(page, found.creator.id, chosen, code="alt.ask_chosen", key="compose")
    studio_alts.offers(page, found.creator.id, chosen, pictured=len(chosen) > 1)


def _worded(page: Page, creator_id: UUID, asset: UUID, key: str) -> None:
    alt = str(st.session_state.get(key) or "").strip()
    acting.press(partial(_describe, page, creator_id, asset, alt), Right.RUN, key)


def _describe(page: Page, creator_id: UUID, asset: UUID, alt: str, scope: Scope, _: UUID) -> None:
    page.my(scope, creator_id)
    library.check_owner(scope, creator_id, [asset])
    library.describe(scope, asset, alt)


def _ticked(asset_id: str) -> None:
    """Pictures stand in the order they were ticked in."""
    key = chosen_for()
    rest = [one for one in st.session_state.get(key, []) if one != asset_id]
    st.session_state[key] = [*rest, asset_id] if st.session_state.get(f"{TICKED}{asset_id}") else rest


def _more() -> None:
    st.session_state[SHOWN] = st.session_state.get(SHOWN, FEW) + FEW


def _brought(page: Page, creator_id: UUID, key: str) -> None:
    """Hand each file to the workers; the field is then empty again."""
    kept: list[str] = []
    batch = uuid7()  # what was handed in together is looked at together
    for file in st.session_state.get(key) or []:
        act = partial(_receive, page, creator_id, (file.name, file.getvalue(), batch), kept)
        acting.press(act, Right.RUN, f"upload:{file.file_id}")
    known = st.session_state.get(BROUGHT, [])
    st.session_state[BROUGHT] = list(dict.fromkeys([*known, *kept]))
    st.session_state["compose:round"] = st.session_state.get("compose:round", 0) + 1


def _receive(
    page: Page, creator_id: UUID, file: tuple[str, bytes, UUID], kept: list[str], scope: Scope, _: UUID
) -> None:
    page.my(scope, creator_id)
    (name, data, batch), by = file, page.who.actor
    upload = uploads.receive(
        scope, creator_id=creator_id, name=name, data=data, by=by, store=files.store(), batch=batch
    )
    kept.append(str(upload))


@st.fragment(run_every=TICK)
def _waiting(drawn: Page, creator_id: UUID) -> None:
    """How what was handed in gets on; a photo that has arrived joins the post."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    ids = listed(BROUGHT)
    found = page.read(lambda scope: uploads.uploads(scope, ids))
    mine = [found[one] for one in ids if one in found and found[one].creator_id == creator_id]
    arrived = [str(one.asset_id) for one in mine if one.state is UploadState.READY and one.asset_id is not None]
    if arrived:
        key = chosen_for()
        st.session_state[key] = list(dict.fromkeys([*st.session_state.get(key, []), *arrived]))
        left = [str(one.id) for one in mine if one.state is not UploadState.READY]
        st.session_state[BROUGHT] = left
        st.rerun()
    draw("compose_uploads.html", uploads=mine, voice=page.voice, word=page.word)
