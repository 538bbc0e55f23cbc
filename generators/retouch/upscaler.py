"""A copy made larger and finer by a model, in tiles that overlap, so that memory is bounded by a
tile and not by the picture. Where memory ends, tiles get smaller.

A network near the edge of what it is shown knows less than in the middle: `CONTEXT` pixels of each
tile are thrown away, and the next `BLEND` go over into the tile beside it, step by step, so that no
seam is seen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from PIL import Image, ImageChops

from foundation.errors import BadInput
from generators.contract.engines import EngineMissing, JobTooLarge, Progress, ignore_progress
from generators.local_models.device import is_out_of_memory
from generators.media.pictures import POST_PROFILE

TILES = (384, 192, 128)
"""Pixels of a tile's side, before it is made larger: the first, and those tried where memory
ends."""

CONTEXT = 24
BLEND = 16
MIN_PART = 8
"""Of a tile so small that they would be more than an eighth of its side, they are that."""


class Upscaler(Protocol):
    """A model that makes pictures larger."""

    name: str
    digest: str
    """The SHA-256 of its file, once it was loaded."""

    @property
    def fixed_tile_side(self) -> int:
        """Pixels of the side of the only tile it takes; 0 for any. Raises EngineMissing as
        `factor`."""
        ...

    @property
    def scale_factor(self) -> int:
        """How many times larger a picture becomes. Raises EngineMissing where its model cannot be
        used."""
        ...

    def enlarge(self, tile: Image.Image) -> Image.Image:
        """An RGB tile, so many times larger. Raises EngineMissing, and what its library raises
        without memory."""
        ...


@dataclass(frozen=True)
class TilePlacement:
    """Where a tile lies in the picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def upscale_picture(
    image: Image.Image, model: Upscaler | None, progress: Progress = ignore_progress
) -> Image.Image:
    """A new RGB picture, as many times larger as the model makes it, or as large as is kept.

    Told by `progress` tile by tile, from the start again where memory ended; what that raises
    passes through. Raises BadInput for a picture that is that large already, EngineMissing, and
    JobTooLarge where no tile fits.
    """
    if max(image.size) >= POST_PROFILE.max_edge:
        raise BadInput("upscale.too_large", most=POST_PROFILE.max_edge)
    if model is None:
        raise EngineMissing("upscale.no_model")
    plain = image.convert("RGB")
    for side in (model.fixed_tile_side,) if model.fixed_tile_side else TILES:
        try:
            found = _upscale_in_tiles(plain, model, side, progress)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            continue
        if max(found.size) > POST_PROFILE.max_edge:
            found.thumbnail(
                (POST_PROFILE.max_edge, POST_PROFILE.max_edge), Image.Resampling.LANCZOS
            )
        return found
    raise JobTooLarge("upscale.memory", side=min(TILES))


def _upscale_in_tiles(
    image: Image.Image, model: Upscaler, side: int, progress: Progress
) -> Image.Image:
    factor = model.scale_factor
    places = list(tile_placements(image.size, side))
    progress(0, len(places))
    made = Image.new("RGB", (image.width * factor, image.height * factor))
    for number, place in enumerate(places, 1):
        fine = model.enlarge(_crop_tile(image, place, side if model.fixed_tile_side else 0))
        _paste_tile(made, fine, place, size=image.size, factor=factor, lost=tile_margins(side))
        progress(number, len(places))
    return made


def tile_margins(side: int) -> tuple[int, int]:
    """Pixels of a tile of this side that are thrown away at each edge, and those that go over into
    the next."""
    return min(CONTEXT, side // MIN_PART), min(BLEND, side // MIN_PART)


def tile_placements(size: tuple[int, int], side: int) -> Iterator[TilePlacement]:
    """Tiles of this side that cover a picture, row by row, each over the edges of those before
    it."""
    width, height = size
    for top in _tile_starts(height, side):
        for left in _tile_starts(width, side):
            yield TilePlacement(left, top, min(left + side, width), min(top + side, height))


def _tile_starts(length: int, side: int) -> list[int]:
    if length <= side:
        return [0]
    context, blend = tile_margins(side)
    return [*range(0, length - side, side - 2 * context - blend), length - side]


def _crop_tile(image: Image.Image, place: TilePlacement, side: int) -> Image.Image:
    """The tile; of a model that takes one size alone, mirrored beyond the picture's edge up to
    that."""
    tile = image.crop((place.left, place.top, place.right, place.bottom))
    if not side or tile.size == (side, side):
        return tile
    whole = Image.new("RGB", (side, side))
    flipped = tile.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for left in range(0, side, tile.width):
        row = flipped if left // tile.width % 2 else tile
        for top in range(0, side, tile.height):
            turned = (
                row.transpose(Image.Transpose.FLIP_TOP_BOTTOM) if top // tile.height % 2 else row
            )
            whole.paste(turned, (left, top))
    return whole


def _paste_tile(
    made: Image.Image,
    fine: Image.Image,
    place: TilePlacement,
    *,
    size: tuple[int, int],
    factor: int,
    lost: tuple[int, int],
) -> None:
    """Lay a tile over what is there: without its outermost pixels, and growing in over what lies
    left and above."""
    context, blend = lost
    left = context if place.left else 0
    top = context if place.top else 0
    right = place.right - place.left - (context if place.right < size[0] else 0)
    bottom = place.bottom - place.top - (context if place.bottom < size[1] else 0)
    part = fine.crop((left * factor, top * factor, right * factor, bottom * factor))
    mask = Image.new("L", part.size, 255)
    if place.left:
        mask = ImageChops.multiply(mask, _blend_ramp(part.size, blend * factor, across=True))
    if place.top:
        mask = ImageChops.multiply(mask, _blend_ramp(part.size, blend * factor, across=False))
    made.paste(part, ((place.left + left) * factor, (place.top + top) * factor), mask)


def _blend_ramp(size: tuple[int, int], steps: int, *, across: bool) -> Image.Image:
    """From black to white over so many pixels, white behind."""
    length, wide = (size[0], size[1]) if across else (size[1], size[0])
    line = bytes(
        min((at + 1) * 255 // (steps + 1), 255) if at < steps else 255 for at in range(length)
    )
    row = Image.frombytes("L", (length, 1), line)
    stood = row.resize((length, wide), Image.Resampling.NEAREST)
    return stood if across else stood.transpose(Image.Transpose.TRANSPOSE)
