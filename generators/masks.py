"""Which part of a picture is made anew: a rectangle in percent of its sides, or shapes, drawn as a mask. Pure."""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image, ImageDraw

from foundation.errors import BadInput
from generators import containers, shapes
from generators.shapes import Rectangle, Shape

SMALLEST = 5
"""Percent of a side: less is a few pixels for a model, and nothing comes of it."""


@dataclass(frozen=True)
class Region:
    """A rectangle in percent of a picture's sides, from its left and its top. Raises BadInput for none, and for one
    that is smaller than `SMALLEST`."""

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        for low, high in ((self.left, self.right), (self.top, self.bottom)):
            if not (low >= 0 and high <= 100 and high - low >= SMALLEST):
                raise BadInput("job.region", least=SMALLEST)


Part = Region | tuple[Shape, ...]
"""One rectangle, or any shapes."""


def check(part: Part) -> None:
    """Raise BadInput for shapes that cover too little, or cannot be drawn; a rectangle was checked when it was made."""
    if not isinstance(part, Region):
        shapes.check(part)


def as_shapes(part: Part) -> tuple[Shape, ...]:
    """The same part as shapes; a rectangle is one of them."""
    return (Rectangle(kind="rectangle", **asdict(part)),) if isinstance(part, Region) else part


def over(part: Part, picture: bytes) -> bytes:
    """The mask of a picture's own size. Raises BadInput for what is no picture."""
    found = containers.inspect(picture, name="reference")
    if isinstance(part, Region):
        return mask(part, found.width, found.height)
    return shapes.png(shapes.drawn(part, found.width, found.height))


def to_json(part: Part) -> dict[str, Any]:
    """As it is kept."""
    return asdict(part) if isinstance(part, Region) else {"shapes": shapes.said(part)}


def from_json(kept: Mapping[str, Any]) -> Part:
    """What was kept. Raises BadInput."""
    return shapes.read(kept["shapes"]) if "shapes" in kept else Region(**kept)


def mask(region: Region, width: int, height: int) -> bytes:
    """A PNG of this size in pixels, white where the region is and black elsewhere; at least one pixel is white."""
    image = Image.new("L", (width, height), 0)
    left, right = (region.left * width // 100, -(-region.right * width // 100) - 1)
    top, bottom = (region.top * height // 100, -(-region.bottom * height // 100) - 1)
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=255)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
