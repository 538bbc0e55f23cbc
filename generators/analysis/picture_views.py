"""Views of a picture for rating, which together cover everything that any platform could show of
it.

The views are the whole picture, on white and, if transparent, also on black; its centre, as
previews crop it; full-size tiles of a large picture, for small details; and the preview embedded in
its file.
"""

import io
import math

from PIL import Image

from generators.contract.classifier import PictureView
from generators.media.pictures import DecodedPhoto, flatten_on

WHOLE = 1024
TILE = 1152
OVERLAP = 128
"""Lengths in pixels: the longer edge of the whole view, the edge of a tile, and the overlap of two
tiles."""

MAX_TILES = 12
"""Maximum number of tiles. A larger picture is reduced first, but its tiles still show far more
detail than the whole view."""

LONG = 4 / 3
"""Aspect ratio from which the centre becomes a separate view, because it is too small in the whole
view."""

QUALITY = 92
_WHITE = (255, 255, 255)
_BLACK = (0, 0, 0)


def picture_views(photo: DecodedPhoto) -> tuple[PictureView, ...]:
    """Return all views of a picture, the whole first."""
    grounds = (
        {"white": _WHITE, "black": _BLACK} if photo.pixels.mode == "RGBA" else {"white": _WHITE}
    )
    found = []
    for name, ground in grounds.items():
        flat = flatten_on(photo.pixels, ground)
        found.append(_encode_view(f"whole.{name}", _shrink(flat, WHOLE)))
        if max(flat.size) >= LONG * min(flat.size):
            found.append(_encode_view(f"middle.{name}", _shrink(_crop_centre(flat), WHOLE)))
        found += [
            _encode_view(f"tile.{name}.{number}", tile)
            for number, tile in enumerate(_cut_tiles(flat))
        ]
    if photo.preview is not None:
        found.append(_encode_view("preview", photo.preview.convert("RGB")))
    return tuple(found)


def whole_view(photo: DecodedPhoto) -> PictureView:
    """Return the whole picture on white."""
    return _encode_view("whole.white", _shrink(flatten_on(photo.pixels, _WHITE), WHOLE))


def _encode_view(name: str, image: Image.Image) -> PictureView:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return PictureView(name, "image/jpeg", buffer.getvalue())


def _shrink(image: Image.Image, edge: int) -> Image.Image:
    if max(image.size) <= edge:
        return image
    share = edge / max(image.size)
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _crop_centre(image: Image.Image) -> Image.Image:
    edge = min(image.size)
    left = (image.width - edge) // 2
    top = (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge))


def _cut_tiles(image: Image.Image) -> list[Image.Image]:
    """Return tiles that cover a large picture, or nothing if the whole view shows enough detail."""
    if max(image.size) <= TILE:
        return []
    while len(_tile_offsets(image.width)) * len(_tile_offsets(image.height)) > MAX_TILES:
        image = _shrink(image, max(image.size) * 3 // 4)
    corners = [
        (left, top) for top in _tile_offsets(image.height) for left in _tile_offsets(image.width)
    ]
    return [
        image.crop((left, top, min(left + TILE, image.width), min(top + TILE, image.height)))
        for left, top in corners
    ]


def _tile_offsets(length: int) -> list[int]:
    """Return evenly spaced offsets of tiles along an edge, so that adjacent tiles overlap by at
    least `OVERLAP` pixels."""
    if length <= TILE:
        return [0]
    count = math.ceil((length - OVERLAP) / (TILE - OVERLAP))
    return [round(number * (length - TILE) / (count - 1)) for number in range(count)]
