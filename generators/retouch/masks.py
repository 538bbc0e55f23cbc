"""Which part of a picture is made anew: a rectangle in percent of its sides, or shapes, drawn as a
mask. Pure."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image, ImageDraw

from foundation.errors import BadInput
from generators.containers import still_images
from generators.retouch import region_shapes
from generators.retouch.region_shapes import MaskShape, RectangleShape

MIN_REGION_PERCENT = 5
"""Percent of a side: less is a few pixels for a model, and nothing comes of it."""


@dataclass(frozen=True)
class MaskRegion:
    """A rectangle in percent of a picture's sides, from its left and its top. Raises BadInput for
    none, and for one that is smaller than `SMALLEST`."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        for low, high in ((self.left, self.right), (self.top, self.bottom)):
            if not (low >= 0 and high <= 100 and high - low >= MIN_REGION_PERCENT):
                raise BadInput("job.region", least=MIN_REGION_PERCENT)


MaskPart = MaskRegion | tuple[MaskShape, ...]
"""One rectangle, or any shapes."""


def check_part(part: MaskPart) -> None:
    """Raise BadInput for shapes that cover too little, or cannot be drawn; a rectangle was checked
    when it was made."""
    if not isinstance(part, MaskRegion):
        region_shapes.check_shapes(part)


def part_as_shapes(part: MaskPart) -> tuple[MaskShape, ...]:
    """The same part as shapes; a rectangle is one of them."""
    return (
        (RectangleShape(kind="rectangle", **asdict(part)),)
        if isinstance(part, MaskRegion)
        else part
    )


def mask_for_picture(part: MaskPart, picture: bytes) -> bytes:
    """The mask of a picture's own size. Raises BadInput for what is no picture."""
    found = still_images.inspect_picture(picture, name="reference")
    if isinstance(part, MaskRegion):
        return region_mask(part, found.width, found.height)
    return region_shapes.encode_png(region_shapes.draw_shapes(part, found.width, found.height))


def part_to_json(part: MaskPart) -> dict[str, Any]:
    """As it is kept."""
    return (
        asdict(part)
        if isinstance(part, MaskRegion)
        else {"shapes": region_shapes.shapes_to_json(part)}
    )


def part_from_json(kept: Mapping[str, Any]) -> MaskPart:
    """What was kept. Raises BadInput."""
    return region_shapes.parse_shapes(kept["shapes"]) if "shapes" in kept else MaskRegion(**kept)


def region_mask(region: MaskRegion, width: int, height: int) -> bytes:
    """A PNG of this size in pixels, white where the region is and black elsewhere; at least one
    pixel is white."""
    image = Image.new("L", (width, height), 0)
    left = region.left * width // 100
    right = -(-region.right * width // 100) - 1
    top = region.top * height // 100
    bottom = -(-region.bottom * height // 100) - 1
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=255)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
