"""A canvas for drawn scenes. Lengths are in picture heights: y from 0 (top) to 1, x from 0 to
`aspect`.

Masks are drawn at twice the size and reduced, for smooth edges. All randomness comes from the
canvas's generator: the same seed gives the same picture on the same build of numpy and Pillow.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]
Floats = NDArray[np.float32]

_OVERSAMPLE = 2


def mix_colours(a: Colour, b: Colour, t: float) -> Colour:
    """Return the colour at the fraction `t` between `a` and `b`."""
    red, green, blue = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return red, green, blue


def tint_colour(colour: Colour, light: Colour, strength: float = 1.0) -> Colour:
    """Return `colour` as seen under a coloured light; white light changes nothing."""
    red, green, blue = (round(c * x / 255) for c, x in zip(colour, light, strict=True))
    return mix_colours(colour, (red, green, blue), strength)


class Stencil:
    """A mask under construction; `done` returns it at the canvas's size."""

    def __init__(self, canvas: "Canvas") -> None:
        self._size = (canvas.width * _OVERSAMPLE, canvas.height * _OVERSAMPLE)
        self._unit = canvas.height * _OVERSAMPLE
        self._image = Image.new("L", self._size)
        self._draw = ImageDraw.Draw(self._image)

    def _to_pixels(self, points: Sequence[Point]) -> list[Point]:
        return [(x * self._unit, y * self._unit) for x, y in points]

    def polygon(self, points: Sequence[Point], level: int = 255) -> None:
        """Draw a filled polygon."""
        self._draw.polygon(self._to_pixels(points), fill=level)

    def ellipse(self, x: float, y: float, rx: float, ry: float, level: int = 255) -> None:
        """Draw a filled ellipse around (x, y)."""
        self._draw.ellipse(self._to_pixels([(x - rx, y - ry), (x + rx, y + ry)]), fill=level)

    def rect(self, x: float, y: float, width: float, height: float, level: int = 255) -> None:
        """Draw a filled rectangle from its upper left corner."""
        if width > 0 and height > 0:
            self._draw.rectangle(self._to_pixels([(x, y), (x + width, y + height)]), fill=level)

    def stroke(self, points: Sequence[Point], width: float, level: int = 255) -> None:
        """Draw a line of constant width through the points."""
        thick = max(1, round(width * self._unit))
        self._draw.line(self._to_pixels(points), fill=level, width=thick, joint="curve")

    def done(self, blur: float = 0.0) -> Image.Image:
        """Return the mask at the canvas's size, blurred by `blur` picture heights."""
        small = self._image.reduce(_OVERSAMPLE)
        if blur > 0:
            return soften(small, blur * self._unit / _OVERSAMPLE)
        return small


def soften(image: Image.Image, radius: float) -> Image.Image:
    """Return the picture with a Gaussian blur of `radius` pixels; large radii are applied at a
    quarter of the size, without visible difference."""
    if radius < 8:
        return image.filter(ImageFilter.GaussianBlur(radius))
    small = image.resize(
        (max(1, image.width // 4), max(1, image.height // 4)), Image.Resampling.BOX
    )
    return small.filter(ImageFilter.GaussianBlur(radius / 4)).resize(
        image.size, Image.Resampling.BICUBIC
    )


class Canvas:
    """An RGB picture under construction."""

    def __init__(self, width: int, height: int, rng: np.random.Generator) -> None:
        self.width = width
        self.height = height
        self.rng = rng
        self.aspect = width / height
        self.image = Image.new("RGB", (width, height))

    def between(self, low: float, high: float) -> float:
        """Return a random number in [low, high)."""
        return float(self.rng.uniform(low, high))

    def across(self, share: float) -> float:
        """Return the x coordinate at a fraction of the picture's width."""
        return share * self.aspect

    def stencil(self) -> Stencil:
        """Return an empty mask."""
        return Stencil(self)

    def gradient(self, stops: Sequence[tuple[float, Colour]]) -> Image.Image:
        """Return a vertical gradient over the whole canvas; `stops` are (y, colour) from top to
        bottom."""
        rows = (np.arange(self.height) + 0.5) / self.height
        ys = [y for y, _ in stops]
        column = np.stack(
            [np.interp(rows, ys, [colour[i] for _, colour in stops]) for i in range(3)], axis=1
        )
        # Dithering avoids visible 8-bit bands.
        dither = np.array([[0.0, 0.5], [0.75, 0.25]])[:, :, None]
        two = column[:, None, :] + np.tile(dither, (self.height // 2 + 1, 1, 1))[: self.height]
        wide = np.tile(two, (1, self.width // 2 + 1, 1))[:, : self.width]
        return Image.fromarray(np.clip(wide, 0, 255).astype(np.uint8), "RGB")

    def fill(self, mask: Image.Image, paint: Colour | Image.Image, alpha: float = 1.0) -> None:
        """Paint with `paint` through a mask."""
        if alpha < 1.0:
            mask = mask.point(lambda level: round(level * alpha))
        self.image.paste(paint, (0, 0, self.width, self.height), mask)

    def light(self, mask: Image.Image, colour: Colour, strength: float = 1.0) -> None:
        """Add light of `colour` through a mask (screen blend)."""
        box = mask.getbbox()
        if box is None:
            return
        part = mask.crop(box)
        shade = Image.merge(
            "RGB", [part.point(lambda v, c=c: round(v * c / 255 * strength)) for c in colour]
        )
        self.image.paste(ImageChops.screen(self.image.crop(box), shade), box)

    def glow(
        self, x: float, y: float, radius: float, colour: Colour, strength: float = 1.0
    ) -> None:
        """Add a round glow that fades out at `radius`."""
        self.light(self.halo(x, y, radius), colour, strength)

    def halo(self, x: float, y: float, radius: float, power: float = 2.2) -> Image.Image:
        """Return a round mask, 255 in the centre and 0 at `radius`."""
        ramp = np.linspace(-1, 1, 256, dtype=np.float32)
        away = np.sqrt(ramp[None, :] ** 2 + ramp[:, None] ** 2)
        disc = Image.fromarray((np.clip(1 - away, 0, 1) ** power * 255).astype(np.uint8), "L")
        edge = max(2, round(2 * radius * self.height))
        mask = Image.new("L", (self.width, self.height))
        at = (round(x * self.height) - edge // 2, round(y * self.height) - edge // 2)
        mask.paste(disc.resize((edge, edge), Image.Resampling.BICUBIC), at)
        return mask

    def noise(self, across: float, down: float, octaves: int = 4, *, fall: float = 0.5) -> Floats:
        """Return smooth noise in [0, 1] at half the canvas's size, with `across` × `down` cells in
        the first octave."""
        size = (max(1, self.width // 2), max(1, self.height // 2))
        total = np.zeros((size[1], size[0]), dtype=np.float32)
        weight = 1.0
        for octave in range(octaves):
            cells = (max(2, round(across * 2**octave)), max(2, round(down * 2**octave)))
            cells = (min(cells[0], size[0]), min(cells[1], size[1]))
            raw = self.rng.random((cells[1], cells[0]), dtype=np.float32)
            total += weight * np.asarray(
                Image.fromarray(raw).resize(size, Image.Resampling.BICUBIC)
            )
            weight *= fall
        low = float(total.min())
        high = float(total.max())
        return (total - low) / max(high - low, 1e-6)

    def plate(self, field: Floats) -> Image.Image:
        """Return a field of any size, with values in [0, 1], as a mask of the canvas's size."""
        levels = (np.clip(field, 0, 1) * 255).astype(np.uint8)
        return Image.fromarray(levels, "L").resize(
            (self.width, self.height), Image.Resampling.BILINEAR
        )

    def line(self, cells: float, octaves: int = 5, *, fall: float = 0.5) -> Floats:
        """Return a random line in [-1, 1] along the width, one value per column at half the
        canvas's size."""
        columns = max(2, self.width // 2)
        total: Floats = np.zeros(columns, dtype=np.float32)
        weight = 1.0
        for octave in range(octaves):
            knots = max(3, round(cells * 2**octave) + 2)
            at = np.linspace(0, knots - 1.001, columns, dtype=np.float32)
            values = self.rng.uniform(-1, 1, knots).astype(np.float32)
            left = at.astype(int)
            ease = (at - left) ** 2 * (3 - 2 * (at - left))
            total += (weight * (values[left] * (1 - ease) + values[left + 1] * ease)).astype(
                np.float32
            )
            weight *= fall
        return (total / max(float(np.abs(total).max()), 1e-6)).astype(np.float32)

    def below(self, line: Floats) -> Image.Image:
        """Return the mask of the area below a line of heights, given per column at half the
        canvas's size."""
        xs = np.linspace(0, self.aspect, len(line))
        stencil = self.stencil()
        outline = [(float(x), float(y)) for x, y in zip(xs, line, strict=True)]
        stencil.polygon([(0.0, 1.01), *outline, (self.aspect, 1.01)])
        return stencil.done()

    def finish(self, *, vignette: float = 0.22, grain: float = 1.6) -> Image.Image:
        """Return the picture with darker corners and film grain, which also hides 8-bit banding."""
        across = np.linspace(-1, 1, self.width, dtype=np.float32)[None, :]
        down = np.linspace(-1, 1, self.height, dtype=np.float32)[:, None]
        fade = 1 - vignette * np.clip((across**2 + down**2) / 2, 0, 1) ** 1.6
        tile = self.rng.normal(0, grain, (256, 256)).astype(np.float32)
        speckle = np.tile(tile, (self.height // 256 + 1, self.width // 256 + 1))[
            : self.height, : self.width
        ]
        pixels = np.asarray(self.image, dtype=np.float32) * fade[:, :, None] + speckle[:, :, None]
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")
