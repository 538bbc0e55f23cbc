"""A clip of the chosen pictures: their order, form, seconds and words; and the clips that are under way."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.reads import lengths
from dashboard.reads.library import Tile
from dashboard.reads.studio import FRESH, GOING
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound
from foundation.words import Message
from generators import clips, lettering
from generators.clips import Form, Motion
from studio import clipping, cutting, library
from studio.clipping import Clip
from studio.cutting import Shot, Wanted
from tenants.reads import Creator
from tenants.roles import Right

FORM, BETWEEN, SHAPE, ORDER = (f"studio:clip:{what}" for what in ("form", "between", "shape", "order"))
SECONDS, MOTION, WORDS = (f"studio:clip:{what}:" for what in ("seconds", "motion", "words"))
USUAL = 3.0
"""Seconds a picture is shown unless told otherwise."""

TICK = timedelta(seconds=2)


def put(page: Page, creator_id: UUID, picked: Sequence[Tile]) -> None:
    """Draw what makes a clip of what is chosen; a sound among it lies under the clip."""
    with st.popover(page.word("studio.clip"), icon=":material/movie:"):
        kinds = page.read(lambda scope: _kinds(scope, picked))
        tiles = {tile.card.asset_id: tile for tile in picked if kinds.get(tile.card.asset_id, "").startswith("image/")}
        order = _order(list(tiles))
        if not order:
            draw("studio_note.html", note=page.word("clip.no_picture"))
            return
        _choice(page, "form", FORM, [one.name.lower() for one in Form])
        _choice(page, "between", BETWEEN, ("fade", "cut"))
        _choice(page, "shape", SHAPE, ("filled", "whole"))
        for place, asset_id in enumerate(order):
            _shot(page, tiles[asset_id], place)
        shown = [float(st.session_state.get(f"{SECONDS}{one}") or USUAL) for one in order]
        seconds = round(clips.seconds_of(shown))
        note = page.word("studio.clip.length", seconds=seconds, most=round(clips.MOST_SECONDS))
        draw("studio_note.html", note=note)
        refusing(page, creator_id, seconds)
        draw("studio_note.html", note=page.word("studio.clip.note"))
        act = partial(_ask, page, creator_id, tuple(tile.card.asset_id for tile in picked))
        acting.button(page, "studio.clip.ask", act, right=Right.RUN, key="studio:clip", kind="primary")


def refusing(page: Page, creator_id: UUID, seconds: int) -> None:
    """Say which accounts of hers take no film of this length; nothing where all do."""
    for account, why in page.read(lambda scope: lengths.refusing(scope, page.my(scope, creator_id), seconds)):
        draw("kit_lack.html", what=account, why=page.voice.say(why))


def _choice(page: Page, what: str, key: str, names: Sequence[str]) -> None:
    said = {name: page.word(f"studio.clip.{what}.{name}") for name in names}
    st.selectbox(page.word(f"studio.clip.{what}"), list(said), format_func=said.__getitem__, key=key)


def _kinds(scope: Scope, picked: Sequence[Tile]) -> dict[UUID, str]:
    """The kind of each of these; what has no bytes is left out."""
    shown = [tile.card.asset_id for tile in picked if not tile.card.standing.withheld]
    return {asset_id: medium.mime for asset_id, medium in library.media_of(scope, shown, "-").items()}


def _order(chosen: Sequence[UUID]) -> list[UUID]:
    """The order of the stills: as it was arranged, what is new last."""
    kept = [one for one in st.session_state.get(ORDER, []) if one in chosen]
    st.session_state[ORDER] = [*kept, *(one for one in chosen if one not in kept)]
    return list(st.session_state[ORDER])


def _shot(page: Page, tile: Tile, place: int) -> None:
    asset_id = tile.card.asset_id
    left, right = st.columns([1, 4], gap="small")
    with left:
        draw("studio_tile.html", src=clear_src(asset_id, "thumb"), card=tile.card, marks=(), word=page.word)
        if place and st.button(page.word("studio.clip.earlier"), key=f"studio:clip:earlier:{asset_id}"):
            order = st.session_state[ORDER]
            order.insert(place - 1, order.pop(place))
            st.rerun()
    with right:
        st.text_input(
            page.word("studio.clip.words", number=place + 1), key=f"{WORDS}{asset_id}", max_chars=lettering.LONGEST
        )
        st.number_input(
            page.word("studio.clip.seconds", number=place + 1),
            clips.LEAST,
            clips.MOST,
            USUAL,
            0.5,
            key=f"{SECONDS}{asset_id}",
        )
        st.selectbox(
            page.word("studio.clip.motion", number=place + 1),
            [str(one) for one in Motion],
            format_func=lambda name: page.word(f"studio.clip.motion.{name}"),
            key=f"{MOTION}{asset_id}",
        )


def _ask(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID) -> Message:
    page.my(scope, creator_id)
    library.check_owner(scope, creator_id, assets)
    kinds = {asset_id: medium.mime for asset_id, medium in library.media_of(scope, assets, "-").items()}
    order = _order([one for one in assets if not kinds[one].startswith("audio/")])
    wanted = Wanted(
        shots=tuple(_typed(one) for one in order),
        form=Form[str(acting.typed(FORM) or "upright").upper()],
        seed=press.int % 2**32,
        fades=acting.typed(BETWEEN) != "cut",
        whole=acting.typed(SHAPE) == "whole",
        sound=next((one for one in assets if kinds[one].startswith("audio/")), None),
    )
    cutting.ask(scope, creator_id=creator_id, wanted=wanted, key=f"clip:{press}", by=page.who.actor)
    return Message("studio.clip.asked")


def _typed(asset_id: UUID) -> Shot:
    seconds = float(acting.typed(f"{SECONDS}{asset_id}") or USUAL)
    motion = Motion(acting.typed(f"{MOTION}{asset_id}") or Motion.AUTO)
    return Shot(asset_id, seconds, motion, str(acting.typed(f"{WORDS}{asset_id}") or "").strip())


def under_way(page: Page, creator: Creator) -> None:
    """Clips that are being made, and those that just ended. It looks again by itself until all have ended."""
    found = page.read(lambda scope: _recent(scope, creator.id))
    if any(one.state in GOING for one in found):
        st.fragment(_going, run_every=TICK)(page, creator.id)
    else:
        _lines(page, found)


def _recent(scope: Scope, creator_id: UUID) -> list[Clip]:
    return clipping.recent(scope, creator_id, since=scope.now - FRESH)


def _going(drawn: Page, creator_id: UUID) -> None:
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    found = page.read(lambda scope: _recent(scope, page.my(scope, creator_id).id))
    if not any(one.state in GOING for one in found):
        st.rerun()  # the library shows it
    acting.say_told(page, "studio:clips")
    _lines(page, found)


def _lines(page: Page, found: Sequence[Clip]) -> None:
    now = page.read(lambda scope: scope.now) if found else None
    for one in found:
        with st.container(border=True, gap="small"):
            draw("studio_clip.html", clip=one, now=now, voice=page.voice, word=page.word)
            if one.state in GOING:
                act = partial(_stop, page, one.creator_id, one.id)
                acting.button(page, "studio.clip.stop", act, right=Right.RUN, key=f"studio:clip:stop:{one.id}")


def _stop(page: Page, creator_id: UUID, clip_id: UUID, scope: Scope, _: UUID) -> Message:
    if page.my(scope, creator_id).id != clipping.clip(scope, clip_id).creator_id:
        raise NotFound("clip.unknown")
    clipping.stop(scope, clip_id)
    return Message("studio.clip.stopped")
