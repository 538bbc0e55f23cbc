"""Technical quality of a picture as a number: exposure, contrast, sharpness and colour. Taste and
content are not judged.

Sources: colourfulness after Hasler and Süsstrunk, Measuring colourfulness in natural images (SPIE
2003); sharpness as the variance of the Laplacian (Pech-Pacheco et al., ICPR 2000). Both are
measured at 256 pixels, so that pictures of any size can be compared.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SCORE_EDGE = 256
"""Length in pixels of the longer edge at which a picture is measured."""

DARK = 5
BRIGHT = 250
"""Grey levels below and above which no details are visible."""

FULL_CONTRAST = 60.0
FULL_SHARPNESS = 400.0
FULL_COLOUR = 60.0
"""Values that give a full score: a standard deviation of grey, a variance of the Laplacian, and a
colourfulness of "quite colourful"."""


def score_quality(image: Image.Image) -> int:
    """Return the mean score of exposure, contrast, sharpness and colour, from 0 to 100."""
    small = image.convert("RGB")
    small.thumbnail((SCORE_EDGE, SCORE_EDGE), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64)
    grey = pixels @ np.array([0.299, 0.587, 0.114])
    parts = (
        _exposure_score(grey),
        grey.std() / FULL_CONTRAST,
        _sharpness_score(grey) / FULL_SHARPNESS,
        _colourfulness_score(pixels) / FULL_COLOUR,
    )
    return round(100 * sum(min(float(part), 1.0) for part in parts) / len(parts))


def _exposure_score(grey: NDArray[np.float64]) -> float:
    """Return the share of pixels that are neither black nor overexposed."""
    return float(((grey > DARK) & (grey < BRIGHT)).mean())


def _sharpness_score(grey: NDArray[np.float64]) -> float:
    if min(grey.shape) < 3:
        return 0.0
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float((around - 4 * middle).var())


def _colourfulness_score(pixels: NDArray[np.float64]) -> float:
    red = pixels[..., 0]
    green = pixels[..., 1]
    blue = pixels[..., 2]
    first = red - green
    second = (red + green) / 2 - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))
