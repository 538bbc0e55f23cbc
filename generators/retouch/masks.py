"""Parts of a picture to repaint: a rectangle in percent of its sides, or shapes, drawn as a mask.
Pure."""

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
"""Minimum edge of a region in percent: less is only a few pixels for a model."""


@dataclass(frozen=True)
class MaskRegion:
    """A rectangle in percent of a picture's sides, from left and top. Raises BadInput if it is
    invalid or smaller than `MIN_REGION_PERCENT`."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        for low, high in ((self.left, self.right), (self.top, self.bottom)):
            if not (low >= 0 and high <= 100 and high - low >= MIN_REGION_PERCENT):
                raise BadInput("job.region", least=MIN_REGION_PERCENT)


MaskPart = MaskRegion | tuple[MaskShape, ...]
"""The part of a picture to repaint: one rectangle, or any number of shapes."""


def check_part(part: MaskPart) -> None:
    """Raise BadInput for shapes that cover too little or cannot be drawn; a rectangle is checked on
    creation."""
    if not isinstance(part, MaskRegion):
        region_shapes.check_shapes(part)


def part_as_shapes(part: MaskPart) -> tuple[MaskShape, ...]:
    """Return the part as shapes; a rectangle becomes one shape."""
    return (
        (RectangleShape(kind="rectangle", **asdict(part)),)
        if isinstance(part, MaskRegion)
        else part
    )


def mask_for_picture(part: MaskPart, picture: bytes) -> bytes:
    """Return the mask as a PNG of the picture's size. Raises BadInput if `picture` is not a
    picture."""
    found = still_images.inspect_picture(picture, name="reference")
    if isinstance(part, MaskRegion):
        return region_mask(part, found.width, found.height)
    return region_shapes.encode_png(region_shapes.draw_shapes(part, found.width, found.height))


def part_to_json(part: MaskPart) -> dict[str, Any]:
    """Return the part as stored JSON."""
    return (
        asdict(part)
        if isinstance(part, MaskRegion)
        else {"shapes": region_shapes.shapes_to_json(part)}
    )


def part_from_json(kept: Mapping[str, Any]) -> MaskPart:
    """Return the part from stored JSON. Raises BadInput."""
    return region_shapes.parse_shapes(kept["shapes"]) if "shapes" in kept else MaskRegion(**kept)


def region_mask(region: MaskRegion, width: int, height: int) -> bytes:
    """Return a PNG of this size in pixels, white in the region and black elsewhere; at least one
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
