"""Studio: the part of a picture that is made anew: one rectangle, painted, shapes or a drawing, shown over it."""

import base64
from collections.abc import Mapping
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.studio_variants import clear_src
from dashboard.browsing import piece
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.errors import BadInput
from gate import recording
from generators import masks, shapes
from generators.masks import Part, Region
from generators.shapes import Shape

MIDDLE = (25, 75)
PAINTED = "painted"
WAYS = ("rectangle", PAINTED, "shapes", "drawn")
KEPT = "kept"
"""As it stands: what was drawn elsewhere cannot be typed."""

USUAL_SHAPES = "ellipse 25 25 75 75"


def choose(page: Page, asset_id: UUID, key: str, known: tuple[Shape, ...] = ()) -> None:
    """Say the part, drawn over the picture as its page shows it, blurred where that is. `known` is the one that stands,
    of which one begins."""
    ways = [KEPT, *WAYS] if known else list(WAYS)
    way = st.segmented_control(
        page.word("vary.way"),
        ways,
        default=ways[0],
        required=True,
        format_func=lambda one: page.word(f"vary.way.{one}"),
        key=f"{key}:way",
    )
    match way:
        case "painted":
            _paint(page, asset_id, key)
        case "shapes":
            usual, hint = shapes.typed(known) or USUAL_SHAPES, page.word("vary.shapes_how")
            st.text_area(page.word("vary.shapes"), usual, key=f"{key}:shapes", help=hint)
        case "drawn":
            st.file_uploader(page.word("vary.drawn"), "png", key=f"{key}:drawn", help=page.word("vary.drawn_how"))
        case "rectangle":
            st.slider(page.word("vary.across"), 0, 100, MIDDLE, 5, key=f"{key}:across")
            st.slider(page.word("vary.down"), 0, 100, MIDDLE, 5, key=f"{key}:down")
    try:
        part = chosen(key, known)
    except BadInput as wrong:
        st.error(page.voice.say(wrong.message))
        return
    if way != PAINTED:  # there it is seen as it is painted
        _over(page, asset_id, part)


def _paint(page: Page, asset_id: UUID, key: str) -> None:
    """By mouse, pen or finger, over the picture as its page shows it; by keyboard there are the other ways."""
    words = {one: page.word(f"paint.{one}") for one in ("picture", "brush", "eraser", "undo", "clear")}
    data = {"src": clear_src(asset_id), "strokes": _strokes(key), "words": words}
    piece("paint")(key=f"{key}:{PAINTED}", data=data, on_strokes_change=_heard, height="content")
    draw("studio_note.html", note=page.word("paint.how"))


def _heard() -> None:
    """A stroke came: the page is drawn anew, and says what is wrong with the part."""


def _strokes(key: str) -> list[object]:
    """What a browser says was painted, unread."""
    value = acting.typed(f"{key}:{PAINTED}")
    said = value.get("strokes") if isinstance(value, Mapping) else None
    return list(said) if isinstance(said, list) else []


def _over(page: Page, asset_id: UUID, part: Part | None) -> None:
    if isinstance(part, Region):
        draw("studio_region.html", src=clear_src(asset_id), region=part, word=page.word)
    elif part:
        (whole,) = page.read(lambda scope: recording.versions(scope, asset_id))[:1]
        mask = base64.b64encode(shapes.png(shapes.veil(part, whole.width, whole.height))).decode()
        draw("studio_mask.html", src=clear_src(asset_id), mask=mask, word=page.word)


def chosen(key: str, known: tuple[Shape, ...] = ()) -> Part | None:
    """As it stands on the page now; None while nothing was painted or brought. Raises BadInput."""
    match acting.typed(f"{key}:way"):
        case "shapes":
            found = shapes.parse(str(acting.typed(f"{key}:shapes") or ""))
        case "drawn":
            file = acting.typed(f"{key}:drawn")
            if file is None:
                return None
            found = (shapes.of_picture(file.getvalue(), name=file.name),)
        case "painted":
            found = shapes.read(_strokes(key))
            if not found:
                return None
        case "kept":
            return known
        case _:
            across, down = (acting.typed(f"{key}:{one}") or MIDDLE for one in ("across", "down"))
            return Region(left=across[0], top=down[0], right=across[1], bottom=down[1])
    masks.check(found)
    return found


def wanted(key: str, known: tuple[Shape, ...] = ()) -> Part | None:
    """The part where the box for it is ticked; None for all of the picture. Raises BadInput, also where it is still to
    be painted or brought."""
    if not acting.typed(f"{key}:part"):
        return None
    part = chosen(key, known)
    if part is None:
        raise BadInput("job.mask_none")
    return part
