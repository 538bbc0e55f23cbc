"""Perceptual hashes, which change little when a picture is resized or re-encoded. Each has 64 bits;
compare them with `hamming_distance`.

Sources: pHash (Zauner 2010, DCT of 32 × 32, the low 8 × 8 compared with their median) and dHash
(Krawetz 2013, 9 × 8). Measured: neither detects crops of more than a tenth, nor mirrored and
rotated pictures unless `transformed_hashes` are compared.
"""

import math

import numpy as np
from PIL import Image

SAME_DISTANCE = 8
"""Maximum distance in bits at which two perceptual hashes count as the same picture. Up to
`NEAR_DISTANCE`, a member reviews the pictures."""
NEAR_DISTANCE = 12


def _to_greyscale(
    image: Image.Image, width: int, height: int
) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    flat = (
        image.convert("RGB").convert("L") if image.mode not in ("L", "RGB") else image.convert("L")
    )
    return np.asarray(flat.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float64)


def _cosine_basis(size: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    k = np.arange(size)[:, None]
    n = np.arange(size)[None, :]
    return np.cos(math.pi * (2 * n + 1) * k / (2 * size))


def phash(image: Image.Image) -> bytes:
    """Return the perceptual hash, 8 bytes."""
    return _phash_of_grey(_to_greyscale(image, 32, 32))


def transformed_hashes(image: Image.Image) -> tuple[bytes, ...]:
    """Return the perceptual hashes of the mirrored and rotated versions of a picture and of the
    negatives of all eight versions, without the hash of the picture itself."""
    grey = _to_greyscale(image, 32, 32)
    upright = [np.rot90(side, turns) for side in (grey, grey[:, ::-1]) for turns in range(4)]
    return tuple(_phash_of_grey(one) for one in [*upright[1:], *(255.0 - one for one in upright)])


def _phash_of_grey(grey: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> bytes:
    basis = _cosine_basis(32)
    low = (basis @ grey @ basis.T)[:8, :8]
    return np.packbits((low > np.median(low.ravel()[1:])).ravel()).tobytes()


def dhash(image: Image.Image) -> bytes:
    """Return the difference hash, 8 bytes: one bit for each cell, set if the next cell is
    brighter."""
    grey = _to_greyscale(image, 9, 8)
    return np.packbits((grey[:, 1:] > grey[:, :-1]).ravel()).tobytes()


def hamming_distance(a: bytes, b: bytes) -> int:
    """Return the number of different bits. Raises ValueError for hashes of different lengths."""
    if len(a) != len(b):
        raise ValueError("hashes of different kinds")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
