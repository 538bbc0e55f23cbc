"""Detection of a picture's probable subject: the area that differs from the borders by colour and
edges.

This is an estimate from contrast alone, without a model; it does not recognize people. Sources:
contrast against the surroundings as in Achanta et al., Frequency-tuned salient region detection
(CVPR 2009); the borders taken for background as in Wei et al., Geodesic saliency using background
priors (ECCV 2012); rare colours as in Cheng et al., Global contrast based salient region detection
(CVPR 2011).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

EDGE = 96
"""Length in pixels of the longer edge at which a picture is analysed."""

BORDER = 0.04
"""Share of each side that counts as border."""

SAMPLES = 24
"""Number of border patches with which pixels are compared."""

GRID = 12
"""Minimum number of pixel rows with which each pixel is compared."""

EDGES = 0.6
"""Weight of edges relative to colour."""

BAND = 0.75
"""Share of the picture's width from which an area counts as a horizon or a strip of light rather
than a subject."""

AWAY = 1.6
"""Number of standard deviations above the mean from which a pixel is salient."""

MARGIN = 0.02
"""Margin around the subject, relative to the longer edge."""

HEADROOM = 0.18
"""Margin above the subject, relative to its height, because hair and faces contrast less than
clothes."""

Grid = NDArray[np.float64]


@dataclass(frozen=True)
class PixelBox:
    """A rectangle in pixels; `right` and `bottom` are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """The width in pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """The height in pixels."""
        return self.bottom - self.top

    def contains(self, other: "PixelBox") -> bool:
        """Return True if the other box is inside this one."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom


def find_subject(image: Image.Image) -> PixelBox | None:
    """Return the box of the subject of an RGB picture, or None if nothing is salient."""
    small = image.convert("RGB")
    small.thumbnail((EDGE, EDGE), Image.Resampling.BOX)
    if min(small.size) < 3:
        return None
    marked = standing_out(small)
    found = _find_heaviest_component(marked)
    return None if found is None else _scale_box(found, small.size, image.size)


def standing_out(small: Image.Image) -> Grid:
    """Return the saliency of each pixel of a small RGB picture, 0 for most of them."""
    pixels = _opponent_colours(
        np.asarray(small.filter(ImageFilter.GaussianBlur(1.2)), dtype=np.float64)
    )
    colour = _normalize_strength(_unlike_border(pixels)) * _normalize_strength(_unlike_all(pixels))
    weight = _box_blur(colour + EDGES * _normalize_strength(_edge_strength(pixels)) * colour)
    return np.where(weight > weight.mean() + AWAY * weight.std(), weight, 0.0)


def _opponent_colours(pixels: Grid) -> Grid:
    """Return brightness, red against green, and yellow against blue, with brightness at half
    weight."""
    red = pixels[..., 0]
    green = pixels[..., 1]
    blue = pixels[..., 2]
    return np.stack([(red + green + blue) / 6, red - green, (red + green) / 2 - blue], axis=2)


def _unlike_all(pixels: Grid) -> Grid:
    """Return the mean colour distance of each pixel to a grid of pixels over the whole picture."""
    step = max(1, min(pixels.shape[:2]) // GRID)
    others = pixels[::step, ::step].reshape(-1, 3)
    far = [np.linalg.norm(row[:, None, :] - others[None], axis=2).mean(axis=1) for row in pixels]
    return np.array(far)


def _unlike_border(pixels: Grid) -> Grid:
    """Return the colour distance of each pixel to the most similar border patch. The bottom border
    is not used, because people stand there."""
    high, wide = pixels.shape[:2]
    deep = max(1, round(high * BORDER))
    side = max(1, round(wide * BORDER))
    parts = (pixels[:deep], pixels[:, :side], pixels[:, -side:])
    strips = (parts[0].mean(axis=0), parts[1].mean(axis=1), parts[2].mean(axis=1))
    patches = np.concatenate([_mean_patches(strip, SAMPLES // 3) for strip in strips])
    return np.asarray(
        np.linalg.norm(pixels[:, :, None, :] - patches[None, None], axis=3).min(axis=2)
    )


def _mean_patches(strip: Grid, count: int) -> Grid:
    """Return a strip of pixels as the means of `count` sections."""
    return np.array([part.mean(axis=0) for part in np.array_split(strip, min(count, len(strip)))])


def _edge_strength(pixels: Grid) -> Grid:
    down, across = np.gradient(pixels, axis=(0, 1))
    return np.asarray(np.hypot(np.linalg.norm(down, axis=2), np.linalg.norm(across, axis=2)))


def _normalize_strength(values: Grid) -> Grid:
    """Return the values scaled from 0 to 1; the highest one percent of the values become 1."""
    most = float(np.quantile(values, 0.99))
    return np.clip(values / most, 0.0, 1.0) if most > 1.0 else np.zeros_like(values)


def _box_blur(values: Grid) -> Grid:
    """Return each pixel as the mean of 5 × 5 pixels, which joins parts of one object."""
    padded = np.pad(values, 2, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5))
    return np.asarray(windows.mean(axis=(2, 3)))


def _find_heaviest_component(marked: Grid) -> PixelBox | None:
    """Return the box of the connected component with the highest total saliency."""
    left = marked > 0
    best = 0.0
    found = None
    for row, column in zip(*np.nonzero(left), strict=True):
        if left[row, column]:
            part = _pop_component(left, int(row), int(column))
            rows, columns = np.array(part).T
            weight = float((marked[rows, columns] ** 2).sum())
            if weight > best and np.ptp(columns) < BAND * left.shape[1]:
                best = weight
                found = PixelBox(
                    int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1
                )
    return found


def _pop_component(left: NDArray[np.bool_], row: int, column: int) -> list[tuple[int, int]]:
    """Return the pixels connected to this one, and remove them from `left`."""
    part = []
    waiting = [(row, column)]
    left[row, column] = False
    while waiting:
        here = waiting.pop()
        part.append(here)
        for down, across in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            near = here[0] + down, here[1] + across
            if 0 <= near[0] < left.shape[0] and 0 <= near[1] < left.shape[1] and left[near]:
                left[near] = False
                waiting.append(near)
    return part


def _scale_box(box: PixelBox, small: tuple[int, int], size: tuple[int, int]) -> PixelBox:
    """Return the box at the picture's full size, with a margin."""
    across = size[0] / small[0]
    down = size[1] / small[1]
    air = MARGIN * max(size)
    return PixelBox(
        max(0, int(box.left * across - air)),
        max(0, int(box.top * down - max(air, HEADROOM * box.height * down))),
        min(size[0], round(box.right * across + air)),
        min(size[1], round(box.bottom * down + air)),
    )
