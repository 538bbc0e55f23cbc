"""Which part of a picture is made anew: a rectangle in percent of its sides, drawn as a mask. Pure."""

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw

from foundation.errors import BadInput
from generators import containers

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


def over(region: Region, picture: bytes) -> bytes:
    """The mask of a picture's own size. Raises BadInput for what is no picture."""
    found = containers.inspect(picture, name="reference")
    return mask(region, found.width, found.height)


def mask(region: Region, width: int, height: int) -> bytes:
    """A PNG of this size in pixels, white where the region is and black elsewhere; at least one pixel is white."""
    image = Image.new("L", (width, height), 0)
    left, right = (region.left * width // 100, -(-region.right * width // 100) - 1)
    top, bottom = (region.top * height // 100, -(-region.bottom * height // 100) - 1)
    ImageDraw.Draw(image).rectangle((left, top, right, bottom), fill=255)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
