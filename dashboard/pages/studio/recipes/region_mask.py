"""The area of an image to change: rectangle, brush, shapes or a mask file, with an overlay."""

import base64
from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import revealed_picture_url
from dashboard.shell import actions
from dashboard.shell.browser_components import browser_component
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.errors import BadInput
from gate.assets import asset_records
from generators.retouch import masks, region_shapes
from generators.retouch.masks import MaskPart, MaskRegion
from generators.retouch.region_shapes import MaskShape

MIDDLE = (25, 75)
PAINTED = "painted"
WAYS = ("rectangle", PAINTED, "shapes", "drawn")
KEPT = "kept"
"""Choice of the stored area. An uploaded mask cannot be shown as text."""

USUAL_SHAPES = "ellipse 25 25 75 75"


def render_region_choice(
    page: PageContext, asset_id: UUID, key: str, known: tuple[MaskShape, ...] = ()
) -> None:
    """Draw the fields that select the area of the image, which is blurred if its page blurs it.

    `known` is the stored area to start from.
    """
    ways = [KEPT, *WAYS] if known else list(WAYS)
    way = st.segmented_control(
        page.text("vary.way"),
        ways,
        default=ways[0],
        required=True,
        format_func=lambda one: page.text(f"vary.way.{one}"),
        key=f"{key}:way",
    )
    match way:
        case "painted":
            _render_mask_painter(page, asset_id, key)
        case "shapes":
            usual = region_shapes.format_shape_lines(known) or USUAL_SHAPES
            hint = page.text("vary.shapes_how")
            st.text_area(page.text("vary.shapes"), usual, key=f"{key}:shapes", help=hint)
        case "drawn":
            st.file_uploader(
                page.text("vary.drawn"), "png", key=f"{key}:drawn", help=page.text("vary.drawn_how")
            )
        case "rectangle":
            st.slider(page.text("vary.across"), 0, 100, MIDDLE, 5, key=f"{key}:across")
            st.slider(page.text("vary.down"), 0, 100, MIDDLE, 5, key=f"{key}:down")
    try:
        part = read_region(key, known)
    except BadInput as wrong:
        st.error(page.localizer.message_text(wrong.message))
        return
    if way != PAINTED:  # The painter shows the area itself.
        _render_mask_overlay(page, asset_id, part)


def _render_mask_painter(page: PageContext, asset_id: UUID, key: str) -> None:
    """Draw the painter for mouse, pen and touch. The other ways work with the keyboard."""
    words = {
        one: page.text(f"paint.{one}") for one in ("picture", "brush", "eraser", "undo", "clear")
    }
    data = {"src": revealed_picture_url(asset_id), "strokes": _read_strokes(key), "words": words}
    browser_component("paint")(
        key=f"{key}:{PAINTED}", data=data, on_strokes_change=_handle_stroke, height="content"
    )
    draw_template("shell/templates/note.html", note=page.text("paint.how"))


def _handle_stroke() -> None:
    """Do nothing: the callback alone redraws the page, which then shows problems of the area."""


def _read_strokes(key: str) -> list[object]:
    """Return the strokes as the browser sent them, not validated."""
    value = actions.typed_value(f"{key}:{PAINTED}")
    said = value.get("strokes") if isinstance(value, Mapping) else None
    return list(said) if isinstance(said, list) else []


def _render_mask_overlay(page: PageContext, asset_id: UUID, part: MaskPart | None) -> None:
    if isinstance(part, MaskRegion):
        draw_template(
            "pages/studio/recipes/templates/region.html",
            src=revealed_picture_url(asset_id),
            region=part,
            word=page.text,
        )
    elif part:
        (whole,) = page.read(lambda scope: asset_records.list_renditions(scope, asset_id))[:1]
        mask = base64.b64encode(
            region_shapes.encode_png(region_shapes.draw_veil(part, whole.width, whole.height))
        ).decode()
        draw_template(
            "pages/studio/recipes/templates/mask.html",
            src=revealed_picture_url(asset_id),
            mask=mask,
            word=page.text,
        )


def read_region(key: str, known: tuple[MaskShape, ...] = ()) -> MaskPart | None:
    """Return the area in the fields, None while nothing is painted or uploaded. Raises BadInput."""
    match actions.typed_value(f"{key}:way"):
        case "shapes":
            found = region_shapes.parse_shape_lines(str(actions.typed_value(f"{key}:shapes") or ""))
        case "drawn":
            file = actions.typed_value(f"{key}:drawn")
            if file is None:
                return None
            found = (region_shapes.mask_from_picture(file.getvalue(), name=file.name),)
        case "painted":
            found = region_shapes.parse_shapes(_read_strokes(key))
            if not found:
                return None
        case "kept":
            return known
        case _:
            across, down = (
                actions.typed_value(f"{key}:{one}") or MIDDLE for one in ("across", "down")
            )
            return MaskRegion(left=across[0], top=down[0], right=across[1], bottom=down[1])
    masks.check_part(found)
    return found


def read_optional_region(key: str, known: tuple[MaskShape, ...] = ()) -> MaskPart | None:
    """Return the area if its box is ticked, or None for the whole image.

    Raises BadInput for an invalid area and for one that is still missing.
    """
    if not actions.typed_value(f"{key}:part"):
        return None
    part = read_region(key, known)
    if part is None:
        raise BadInput("job.mask_none")
    return part
