"""Visual similarity of two pictures in percent, from colours and edge directions. No faces or
people are detected.

Sources: histogram intersection after Swain and Ballard, Color indexing (IJCV 1991); edge
orientations by cell after Dalal and Triggs, Histograms of oriented gradients (CVPR 2005). Both
scale pictures down to small squares, so that pictures of any size can be compared.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIMILARITY_METHOD = "visual@1"
"""Version of the method; results of different versions cannot be compared."""

EDGE = 64
CELLS = 4
TURNS = 8
HUES = 12
DEPTHS = 4
LIGHTS = 4

Numbers = NDArray[np.float64]


def similarity_percent(image: Image.Image, others: Sequence[Image.Image]) -> int:
    """Return the mean similarity of a picture to one or more others, from 0 to 100; identical
    pictures score 100."""
    own = _extract_features(image)
    return round(
        100 * float(np.mean([_compare_features(own, _extract_features(other)) for other in others]))
    )


def _extract_features(image: Image.Image) -> tuple[Numbers, Numbers]:
    small = image.convert("RGB").resize((EDGE, EDGE), Image.Resampling.BOX)
    return _colour_histogram(small), _edge_directions(
        np.asarray(small.convert("L"), dtype=np.float64)
    )


def _compare_features(one: tuple[Numbers, Numbers], other: tuple[Numbers, Numbers]) -> float:
    colours = float(np.minimum(one[0], other[0]).sum())
    flat = bool(one[1].any())
    smooth = bool(other[1].any())
    edges = float(one[1] @ other[1]) if flat and smooth else float(flat == smooth)
    return min((colours + max(edges, 0.0)) / 2, 1.0)


def _colour_histogram(small: Image.Image) -> Numbers:
    """Return the share of pixels in each bin of hue, saturation and brightness."""
    hsv = np.asarray(small.convert("HSV"), dtype=np.int64).reshape(-1, 3)
    hue, depth, light = (hsv[:, n] * bins // 256 for n, bins in enumerate((HUES, DEPTHS, LIGHTS)))
    kinds = (hue * DEPTHS + depth) * LIGHTS + light
    return np.bincount(kinds, minlength=HUES * DEPTHS * LIGHTS).astype(np.float64) / len(kinds)


def _edge_directions(grey: Numbers) -> Numbers:
    """Return the strength of edges per direction and cell as a vector of length 1, or zeros if
    there are no edges."""
    down, across = np.gradient(grey)
    turn = (
        np.floor(np.mod(np.arctan2(down, across), np.pi) / np.pi * TURNS).astype(np.int64) % TURNS
    )
    rows, columns = np.indices(grey.shape) * CELLS // EDGE
    found = np.bincount(
        ((rows * CELLS + columns) * TURNS + turn).ravel(),
        np.hypot(down, across).ravel(),
        CELLS * CELLS * TURNS,
    )
    length = float(np.linalg.norm(found))
    return np.asarray(found / (length or 1.0), dtype=np.float64)
