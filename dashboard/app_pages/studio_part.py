"""Studio: the part of a picture that is made anew: a rectangle, shapes or a drawing, shown over the picture."""

import base64
from uuid import UUID

import streamlit as st

from dashboard import acting
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation.errors import BadInput
from gate import recording
from generators import masks, shapes
from generators.masks import Part, Region
from generators.shapes import Shape

MIDDLE = (25, 75)
WAYS = ("rectangle", "shapes", "drawn")
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
        case "shapes":
            usual, hint = shapes.typed(known) or USUAL_SHAPES, page.word("vary.shapes_how")
            st.text_area(page.word("vary.shapes"), usual, key=f"{key}:shapes", help=hint)
        case "drawn":
            st.file_uploader(page.word("vary.drawn"), "png", key=f"{key}:drawn", help=page.word("vary.drawn_how"))
        case "rectangle":
            st.slider(page.word("vary.across"), 0, 100, MIDDLE, 5, key=f"{key}:across")
            st.slider(page.word("vary.down"), 0, 100, MIDDLE, 5, key=f"{key}:down")
    try:
        _over(page, asset_id, chosen(key, known))
    except BadInput as wrong:
        st.error(page.voice.say(wrong.message))


def _over(page: Page, asset_id: UUID, part: Part | None) -> None:
    if isinstance(part, Region):
        draw("studio_region.html", src=clear_src(asset_id), region=part, word=page.word)
    elif part:
        (whole,) = page.read(lambda scope: recording.versions(scope, asset_id))[:1]
        mask = base64.b64encode(shapes.png(shapes.veil(part, whole.width, whole.height))).decode()
        draw("studio_mask.html", src=clear_src(asset_id), mask=mask, word=page.word)


def chosen(key: str, known: tuple[Shape, ...] = ()) -> Part | None:
    """As it stands on the page now; None while no drawing was brought. Raises BadInput."""
    match acting.typed(f"{key}:way"):
        case "shapes":
            found = shapes.parse(str(acting.typed(f"{key}:shapes") or ""))
        case "drawn":
            file = acting.typed(f"{key}:drawn")
            if file is None:
                return None
            found = (shapes.of_picture(file.getvalue(), name=file.name),)
        case "kept":
            return known
        case _:
            across, down = (acting.typed(f"{key}:{one}") or MIDDLE for one in ("across", "down"))
            return Region(left=across[0], top=down[0], right=across[1], bottom=down[1])
    masks.check(found)
    return found


def wanted(key: str, known: tuple[Shape, ...] = ()) -> Part | None:
    """The part where the box for it is ticked; None for all of the picture. Raises BadInput, also where a drawing is
    still to be brought."""
    if not acting.typed(f"{key}:part"):
        return None
    part = chosen(key, known)
    if part is None:
        raise BadInput("job.mask_none")
    return part
