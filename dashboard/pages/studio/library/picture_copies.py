"""Copies of an image: crop, correct, enlarge and watermark it; the workers create them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.library_files import revealed_picture_url
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.i18n.translation import Message
from foundation.ops import settings
from generators.retouch import aspect_ratios
from generators.retouch.backgrounds import BLURRED_BACKGROUND
from generators.retouch.finish import CopyFinish
from generators.retouch.watermarks import (
    MAX_SIZE_PERCENT,
    MAX_WATERMARK_LENGTH,
    MIN_OPACITY_PERCENT,
    MIN_SIZE_PERCENT,
    WATERMARK_CORNERS,
    Watermark,
)
from studio.ingest import picture_copies
from studio.ingest.picture_copies import PictureCopyView
from studio.ingest.states import UploadState
from studio.library import creator_watermarks, queries
from studio.library.queries import AssetCard
from tenants.agencies.rights import Right

COLOUR = "colour"


def render_picture_copy_form(page: PageContext, creator_id: UUID, card: AssetCard) -> None:
    """Draw the options with a preview of each crop. Draw nothing for videos."""
    if card.seconds:
        return
    key = f"copy:{card.asset_id}"
    with st.popover(page.text("copy.make"), icon=":material/crop:"):
        chosen = st.multiselect(
            page.text("copy.forms"),
            [form.name for form in aspect_ratios.ASPECT_RATIOS],
            format_func=lambda one: page.text(f"copy.form.{one}"),
            placeholder=page.text("copy.forms_hint"),
            key=f"{key}:forms",
            select_all=False,
        )
        if chosen:
            _render_crop_preview(page, card, chosen)
        strength = st.slider(page.text("copy.strength"), 0, 100, 0, 10, key=f"{key}:strength")
        larger = _select_enlargement(page, key)
        behind = _select_background(page, key)
        mark = page.read(lambda scope: creator_watermarks.get_watermark(scope, creator_id))
        signed = mark is not None and st.checkbox(
            page.text("copy.signed", text=_escape_label(mark.text)), key=f"{key}:signed"
        )
        draw_template("shell/templates/note.html", note=page.text("copy.how"))
        act = partial(_request_picture_copies, page, creator_id, card.asset_id, key)
        nothing = not (chosen or strength or larger or signed or behind)
        actions.action_button(
            page, "copy.ask", act, right=Right.RUN, key=key, kind="primary", disabled=nothing
        )
    _render_watermark_form(page, creator_id, mark)


def _select_enlargement(page: PageContext, key: str) -> bool:
    """Draw the options for a larger copy, either plain or by the configured model. Return True if
    one of them is selected."""
    twice = st.checkbox(page.text("copy.twice"), key=f"{key}:twice")
    if not settings.load_settings().generators.upscale_model:
        draw_template("shell/templates/note.html", note=page.text("copy.no_upscaler"))
        return twice
    return st.checkbox(page.text("copy.finer"), key=f"{key}:finer", disabled=twice) or twice


def _select_background(page: PageContext, key: str) -> str:
    """Draw the field that selects a background. Return its value as in `Finish.background`.

    Return an empty string without a configured cutout model.
    """
    if not settings.load_settings().generators.cutout_model:
        draw_template("shell/templates/note.html", note=page.text("copy.no_cutter"))
        return ""
    kind = st.segmented_control(
        page.text("copy.background"),
        ["own", BLURRED_BACKGROUND, COLOUR],
        default="own",
        required=True,
        format_func=lambda one: page.text(f"copy.background.{one}"),
        key=f"{key}:background",
    )
    if kind == COLOUR:
        st.color_picker(page.text("copy.colour"), "#ffffff", key=f"{key}:colour")
    return _read_background(key)


def _read_background(key: str) -> str:
    """Return the background chosen in the fields."""
    kind = actions.typed_value(f"{key}:background")
    if kind == COLOUR:
        return str(actions.typed_value(f"{key}:colour") or "#ffffff").lower()
    return BLURRED_BACKGROUND if kind == BLURRED_BACKGROUND else ""


def render_picture_copy_progress(page: PageContext, copies: Sequence[PictureCopyView]) -> None:
    """Draw recent copies. AI enlargements show progress and can be stopped."""
    draw_template(
        "pages/studio/library/templates/picture_copies.html",
        copies=copies,
        voice=page.localizer,
        word=page.text,
    )
    for one in copies:
        if one.state == UploadState.WAITING and one.finish.finer:
            act = partial(_stop_copy, page, one.id)
            actions.action_button(
                page, "copy.stop", act, right=Right.RUN, key=f"copy:stop:{one.id}"
            )


def _stop_copy(page: PageContext, copy_id: UUID, scope: Scope, _: UUID) -> Message:
    (found,) = picture_copies.get_copies(scope, [copy_id])
    page.get_creator(scope, queries.get_asset_bytes(scope, found.asset_id).creator_id)
    picture_copies.stop_copy(scope, copy_id)
    return Message("copy.stopped")


def _escape_label(label: str) -> str:
    """Escape Markdown characters in a label."""
    return "".join(f"\\{one}" if one in r"\`*_{}[]()#+-.!:$~>|<@" else one for one in label)


def _render_watermark_form(page: PageContext, creator_id: UUID, mark: Watermark | None) -> None:
    """Draw the form for the text and appearance of the creator's watermark."""
    key = f"watermark:{creator_id}"
    with (
        st.popover(page.text("watermark.edit"), icon=":material/branding_watermark:"),
        forms.open_fields(page, key),
    ):
        st.text_input(
            page.text("watermark.text"),
            mark.text if mark else "",
            max_chars=MAX_WATERMARK_LENGTH,
            key=f"{key}:text",
        )
        forms.show_field_error("text")
        st.selectbox(
            page.text("watermark.corner"),
            WATERMARK_CORNERS,
            WATERMARK_CORNERS.index(mark.corner) if mark else 0,
            format_func=lambda one: page.text(f"watermark.corner.{one}"),
            key=f"{key}:corner",
        )
        st.slider(
            page.text("watermark.size"),
            MIN_SIZE_PERCENT,
            MAX_SIZE_PERCENT,
            mark.size if mark else 4,
            key=f"{key}:size",
        )
        st.slider(
            page.text("watermark.opacity"),
            MIN_OPACITY_PERCENT,
            100,
            mark.opacity if mark else 70,
            5,
            key=f"{key}:opacity",
        )
        draw_template("shell/templates/note.html", note=page.text("watermark.how"))
        act = partial(_save_watermark, page, creator_id, key)
        actions.action_button(page, "watermark.keep", act, right=Right.RUN, key=key, kind="primary")


def _save_watermark(
    page: PageContext, creator_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    said = [actions.typed_value(f"{key}:{one}") for one in ("text", "corner", "size", "opacity")]
    mark = Watermark(str(said[0] or "").strip(), str(said[1]), int(said[2] or 0), int(said[3] or 0))
    creator_watermarks.set_watermark(scope, creator_id, mark)
    return Message("watermark.kept")


def _render_crop_preview(page: PageContext, card: AssetCard, chosen: list[str]) -> None:
    """Draw each crop of the image, blurred if the image is blurred."""
    try:
        cuts = picture_copies.preview_crops(
            page.viewer.tenant_id, card.sha256, library_files.object_store()
        )
    except (BadInput, NotFound, Unavailable) as wrong:
        st.error(page.localizer.message_text(wrong.message))
        return
    shown = [(form, cuts.by_form[form]) for form in chosen if form in cuts.by_form]
    draw_template(
        "pages/studio/library/templates/crop_preview.html",
        shown=shown,
        size=cuts.size,
        src=revealed_picture_url(card.asset_id),
        word=page.text,
    )
    if len(shown) < len(chosen):
        st.warning(page.text("crop.too_small", wide=cuts.size[0], high=cuts.size[1]))


def _request_picture_copies(
    page: PageContext, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    chosen = [str(one) for one in actions.typed_value(f"{key}:forms") or ("",)]
    strength = int(actions.typed_value(f"{key}:strength") or 0)
    twice = bool(actions.typed_value(f"{key}:twice"))
    finer = bool(actions.typed_value(f"{key}:finer")) and not twice
    mark = (
        creator_watermarks.get_watermark(scope, creator_id)
        if actions.typed_value(f"{key}:signed")
        else None
    )
    for form in chosen:
        finish = CopyFinish(
            form=form,
            strength=strength,
            background=_read_background(key),
            twice=twice,
            finer=finer,
            watermark=mark,
        )
        picture_copies.request_copy(
            scope, asset_id, finish, by=page.viewer.actor, store=library_files.object_store()
        )
    return Message("copy.asked", {"count": len(chosen)})
