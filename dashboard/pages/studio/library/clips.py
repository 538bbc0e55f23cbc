"""Clips from selected images: order, format, duration and captions, and clips in progress."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import revealed_picture_url
from dashboard.pages.studio.library import queries
from dashboard.pages.studio.library.queries import LibraryTile
from dashboard.pages.studio.recipes.queries import ACTIVE_RUN_STATES, RECENT_WINDOW
from dashboard.shell import actions, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from generators.retouch import text_overlay
from generators.video import slideshow
from generators.video.slideshow import ClipForm, StillMotion
from studio.library.assets import check_assets_owned, get_renditions
from studio.video import clips, slideshows
from studio.video.clips import ClipView
from studio.video.slideshows import SlideshowPicture, SlideshowRequest
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

FORM, BETWEEN, SHAPE, ORDER = (
    f"studio:clip:{what}" for what in ("form", "between", "shape", "order")
)
SECONDS, MOTION, WORDS = (f"studio:clip:{what}:" for what in ("seconds", "motion", "words"))
USUAL = 3.0
"""Default duration of an image, in seconds."""

TICK = timedelta(seconds=2)


def render_clip_form(page: PageContext, creator_id: UUID, picked: Sequence[LibraryTile]) -> None:
    """Draw the form of a clip from the selection. A selected audio file becomes its soundtrack."""
    with st.popover(page.text("studio.clip"), icon=":material/movie:"):
        kinds = page.read(lambda scope: _media_types_by_asset(scope, picked))
        tiles = {
            tile.card.asset_id: tile
            for tile in picked
            if kinds.get(tile.card.asset_id, "").startswith("image/")
        }
        order = _sync_still_order(list(tiles))
        if not order:
            draw_template("shell/templates/note.html", note=page.text("clip.no_picture"))
            return
        _select_clip_option(page, "form", FORM, [one.name.lower() for one in ClipForm])
        _select_clip_option(page, "between", BETWEEN, ("fade", "cut"))
        _select_clip_option(page, "shape", SHAPE, ("filled", "whole"))
        for place, asset_id in enumerate(order):
            _render_still(page, tiles[asset_id], place)
        shown = [float(st.session_state.get(f"{SECONDS}{one}") or USUAL) for one in order]
        seconds = round(slideshow.slideshow_seconds(shown))
        note = page.text("studio.clip.length", seconds=seconds, most=round(slideshow.MAX_SECONDS))
        draw_template("shell/templates/note.html", note=note)
        render_length_warning(page, creator_id, seconds)
        draw_template("shell/templates/note.html", note=page.text("studio.clip.note"))
        act = partial(_request_clip, page, creator_id, tuple(tile.card.asset_id for tile in picked))
        actions.action_button(
            page, "studio.clip.ask", act, right=Right.RUN, key="studio:clip", kind="primary"
        )


def render_length_warning(page: PageContext, creator_id: UUID, seconds: int) -> None:
    """Draw a warning for each channel that does not accept a video of this length."""
    for account, why in page.read(
        lambda scope: queries.list_refusing_accounts(
            scope, page.get_creator(scope, creator_id), seconds
        )
    ):
        draw_template(
            "shell/templates/suggestion_missing.html",
            what=account,
            why=page.localizer.message_text(why),
        )


def _select_clip_option(page: PageContext, what: str, key: str, names: Sequence[str]) -> None:
    said = {name: page.text(f"studio.clip.{what}.{name}") for name in names}
    st.selectbox(
        page.text(f"studio.clip.{what}"), list(said), format_func=said.__getitem__, key=key
    )


def _media_types_by_asset(scope: Scope, picked: Sequence[LibraryTile]) -> dict[UUID, str]:
    """Return the media type of each tile. Withheld assets are omitted."""
    shown = [tile.card.asset_id for tile in picked if not tile.card.standing.is_withheld]
    return {asset_id: medium.mime for asset_id, medium in get_renditions(scope, shown, "-").items()}


def _sync_still_order(chosen: Sequence[UUID]) -> list[UUID]:
    """Return the order of the images as arranged, with new ones last."""
    kept = [one for one in st.session_state.get(ORDER, []) if one in chosen]
    st.session_state[ORDER] = [*kept, *(one for one in chosen if one not in kept)]
    return list(st.session_state[ORDER])


def _render_still(page: PageContext, tile: LibraryTile, place: int) -> None:
    asset_id = tile.card.asset_id
    left, right = st.columns([1, 4], gap="small")
    with left:
        draw_template(
            "pages/studio/library/templates/tile.html",
            src=revealed_picture_url(asset_id, "thumb"),
            card=tile.card,
            marks=(),
            word=page.text,
        )
        if place and st.button(
            page.text("studio.clip.earlier"), key=f"studio:clip:earlier:{asset_id}"
        ):
            order = st.session_state[ORDER]
            order.insert(place - 1, order.pop(place))
            st.rerun()
    with right:
        st.text_input(
            page.text("studio.clip.words", number=place + 1),
            key=f"{WORDS}{asset_id}",
            max_chars=text_overlay.MAX_OVERLAY_TEXT,
        )
        st.number_input(
            page.text("studio.clip.seconds", number=place + 1),
            slideshow.MIN_STILL_SECONDS,
            slideshow.MAX_STILL_SECONDS,
            USUAL,
            0.5,
            key=f"{SECONDS}{asset_id}",
        )
        st.selectbox(
            page.text("studio.clip.motion", number=place + 1),
            [str(one) for one in StillMotion],
            format_func=lambda name: page.text(f"studio.clip.motion.{name}"),
            key=f"{MOTION}{asset_id}",
        )


def _request_clip(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    check_assets_owned(scope, creator_id, assets)
    kinds = {
        asset_id: medium.mime for asset_id, medium in get_renditions(scope, assets, "-").items()
    }
    order = _sync_still_order([one for one in assets if not kinds[one].startswith("audio/")])
    wanted = SlideshowRequest(
        shots=tuple(_read_slideshow_picture(one) for one in order),
        form=ClipForm[str(actions.typed_value(FORM) or "upright").upper()],
        seed=press.int % 2**32,
        fades=actions.typed_value(BETWEEN) != "cut",
        whole=actions.typed_value(SHAPE) == "whole",
        sound=next((one for one in assets if kinds[one].startswith("audio/")), None),
    )
    slideshows.request_slideshow(
        scope, creator_id=creator_id, wanted=wanted, key=f"clip:{press}", by=page.viewer.actor
    )
    return Message("studio.clip.asked")


def _read_slideshow_picture(asset_id: UUID) -> SlideshowPicture:
    seconds = float(actions.typed_value(f"{SECONDS}{asset_id}") or USUAL)
    motion = StillMotion(actions.typed_value(f"{MOTION}{asset_id}") or StillMotion.AUTO)
    return SlideshowPicture(
        asset_id, seconds, motion, str(actions.typed_value(f"{WORDS}{asset_id}") or "").strip()
    )


def render_clip_progress(page: PageContext, creator: Creator) -> None:
    """Draw clips in progress and recent ones. This part of the page polls until all have ended."""
    found = page.read(lambda scope: _list_recent_clips(scope, creator.id))
    if any(one.state in ACTIVE_RUN_STATES for one in found):
        st.fragment(_poll_clip_progress, run_every=TICK)(page, creator.id)
    else:
        _render_clip_lines(page, found)


def _list_recent_clips(scope: Scope, creator_id: UUID) -> list[ClipView]:
    return clips.list_recent_clips(scope, creator_id, since=scope.now - RECENT_WINDOW)


def _poll_clip_progress(drawn: PageContext, creator_id: UUID) -> None:
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(
        lambda scope: _list_recent_clips(scope, page.get_creator(scope, creator_id).id)
    )
    if not any(one.state in ACTIVE_RUN_STATES for one in found):
        st.rerun()  # A full redraw shows the clip in the library.
    actions.show_notices(page, "studio:clips")
    _render_clip_lines(page, found)


def _render_clip_lines(page: PageContext, found: Sequence[ClipView]) -> None:
    now = page.read(lambda scope: scope.now) if found else None
    for one in found:
        with st.container(border=True, gap="small"):
            draw_template(
                "pages/studio/library/templates/clip.html",
                clip=one,
                now=now,
                voice=page.localizer,
                word=page.text,
            )
            if one.state in ACTIVE_RUN_STATES:
                act = partial(_stop_clip, page, one.creator_id, one.id)
                actions.action_button(
                    page, "studio.clip.stop", act, right=Right.RUN, key=f"studio:clip:stop:{one.id}"
                )


def _stop_clip(
    page: PageContext, creator_id: UUID, clip_id: UUID, scope: Scope, _: UUID
) -> Message:
    if page.get_creator(scope, creator_id).id != clips.get_clip(scope, clip_id).creator_id:
        raise NotFound("clip.unknown")
    clips.stop_clip(scope, clip_id)
    return Message("studio.clip.stopped")
