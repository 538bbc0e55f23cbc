"""Upscaling of a copy by a model in overlapping tiles, so that memory usage depends on the size of
a tile and not on that of the picture. If memory is short, smaller tiles are used.

A network has less context near the edges of its input. `CONTEXT` pixels of each tile are therefore
discarded, and the next `BLEND` pixels fade into the neighbouring tile, so that no seam is visible.
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
"""Edges of tiles in pixels before upscaling: the preferred one, then smaller ones for when memory
is short."""

CONTEXT = 24
BLEND = 16
MIN_PART = 8
"""Divisor of a tile's edge that limits `CONTEXT` and `BLEND`: in small tiles, each is at most an
eighth of the edge."""


class Upscaler(Protocol):
    """A model that enlarges pictures."""

    name: str
    digest: str
    """The SHA-256 of the model's file, once it is loaded."""

    @property
    def fixed_tile_side(self) -> int:
        """The edge in pixels of the only tile size that the model accepts, or 0 for any. Raises
        EngineMissing like `scale_factor`."""
        ...

    @property
    def scale_factor(self) -> int:
        """The factor by which a picture is enlarged. Raises EngineMissing if the model cannot be
        used."""
        ...

    def enlarge(self, tile: Image.Image) -> Image.Image:
        """Return the enlarged RGB tile. Raises EngineMissing, and the exceptions of the library
        when memory runs out."""
        ...


@dataclass(frozen=True)
class TilePlacement:
    """The position of a tile in the picture, in pixels."""

    left: int
    top: int
    right: int
    bottom: int


def upscale_picture(
    image: Image.Image, model: Upscaler | None, progress: Progress = ignore_progress
) -> Image.Image:
    """Return a new RGB picture, enlarged by the model's factor up to the stored size.

    `progress` is called for each tile, and restarts if memory was short; its exceptions are passed
    on. Raises BadInput for a picture that is already that large, EngineMissing, and JobTooLarge if
    no tile fits.
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
    """Return the number of pixels discarded at each edge of a tile, and the number of pixels that
    fade into the next tile."""
    return min(CONTEXT, side // MIN_PART), min(BLEND, side // MIN_PART)


def tile_placements(size: tuple[int, int], side: int) -> Iterator[TilePlacement]:
    """Yield the tiles that cover a picture, row by row, each overlapping earlier ones."""
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
    """Return the tile, mirrored beyond the picture's edge if the model accepts only one size."""
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
    """Paste a tile without its outermost pixels, fading in over the tiles on the left and above."""
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
    """Return a ramp from black to white over `steps` pixels, then white."""
    length, wide = (size[0], size[1]) if across else (size[1], size[0])
    line = bytes(
        min((at + 1) * 255 // (steps + 1), 255) if at < steps else 255 for at in range(length)
    )
    row = Image.frombytes("L", (length, 1), line)
    stood = row.resize((length, wide), Image.Resampling.NEAREST)
    return stood if across else stood.transpose(Image.Transpose.TRANSPOSE)
