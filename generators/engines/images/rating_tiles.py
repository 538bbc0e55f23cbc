"""Plain tiles that replace pictures of ratings for which demos and tests draw no scenes."""

import io
from typing import Literal

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    OriginLabel,
    Progress,
    check_inputs_supported,
    ignore_progress,
)

TileRating = Literal["S", "N", "E"]
_SAYS = {
    "S": "Doublure — contenu Suggestif de test",
    "N": "Doublure — contenu Nudité de test",
    "E": "Doublure — contenu Explicite de test",
}
_CODE = {"S": "TILE-S", "N": "TILE-N", "E": "TILE-E"}
_INK = (62, 52, 92, 255)
_SHADE = {"S": (206, 190, 214), "N": (186, 178, 208), "E": (168, 160, 192)}


class RatingTileEngine:
    """Draws a tile for a rating: a sentence, a code, and a pattern from the seed, so that no two
    tiles are equal."""

    name = "tile"
    does = frozenset[str]()

    def __init__(self, means: TileRating) -> None:
        self.means: TileRating = means
        self.model = _CODE[means].lower()

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Return the tile as PNG. Raises exceptions of `progress`."""
        check_inputs_supported(self, job)
        progress(0, 1)
        data = _encode_png(_draw_tile(self.means, job.seed, job.width, job.height))
        progress(1, 1)
        return GeneratedPicture(
            data=data,
            mime="image/png",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=OriginLabel.STAND_IN,
            seed=job.seed,
            prompt=job.prompt,
            parameters={"means": self.means, "code": _CODE[self.means]},
        )


def _draw_tile(means: TileRating, seed: int, width: int, height: int) -> Image.Image:
    shade = _SHADE[means]
    image = Image.new("RGB", (width, height), shade)
    draw = ImageDraw.Draw(image, "RGBA")
    gap = max(16, height // 14)
    for x in range(-height, width + height, gap * 2):
        draw.polygon(
            [(x, 0), (x + gap, 0), (x + gap + height, height), (x + height, height)],
            fill=(255, 255, 255, 26),
        )
    unit = min(width, height)
    card = (width * 0.07, height / 2 - unit * 0.24, width * 0.93, height / 2 + unit * 0.26)
    draw.rounded_rectangle(
        card,
        unit * 0.03,
        fill=(250, 248, 252, 245),
        outline=(92, 82, 122, 255),
        width=max(1, unit // 200),
    )
    room = width * 0.78
    # The font has no em dash: a line is drawn in its place.
    first, rest = _SAYS[means].split(" — ")
    _draw_text_line(draw, (width / 2, height / 2 - unit * 0.165), first, room, unit * 0.07)
    draw.rectangle(
        (
            width / 2 - unit * 0.05,
            height / 2 - unit * 0.108,
            width / 2 + unit * 0.05,
            height / 2 - unit * 0.1,
        ),
        _INK,
    )
    _draw_text_line(draw, (width / 2, height / 2 - unit * 0.045), rest, room, unit * 0.07)
    _draw_text_line(draw, (width / 2, height / 2 + unit * 0.055), _CODE[means], room, unit * 0.05)
    _draw_seed_marks(draw, seed, (width / 2, height / 2 + unit * 0.16), unit * 0.022)
    return image


def _draw_text_line(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, room: float, size: float
) -> None:
    font = ImageFont.load_default(max(6.0, size))
    wide = draw.textlength(text, font=font)
    if wide > room:
        font = ImageFont.load_default(max(6.0, size * room / wide))
    draw.text(at, text, font=font, fill=_INK, anchor="mm")


def _draw_seed_marks(
    draw: ImageDraw.ImageDraw, seed: int, centre: tuple[float, float], cell: float
) -> None:
    """Draw two rows of twelve squares, filled or not by the seed."""
    bits = np.random.default_rng([seed, 3]).random((2, 12)) < 0.5
    for (row, column), on in np.ndenumerate(bits):
        x = centre[0] + (column - 5.5) * cell * 1.35
        y = centre[1] + (row - 0.5) * cell * 1.5
        fill = (92, 82, 122, 255) if on else (222, 216, 232, 255)
        draw.rectangle((x - cell / 2, y - cell / 2, x + cell / 2, y + cell / 2), fill=fill)


def _encode_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()
