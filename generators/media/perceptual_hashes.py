"""Hashes that stay near when a picture is resized or re-encoded. 64 bits each; compare with
`distance`.

Source: pHash (Zauner 2010, DCT of 32 × 32, the low 8 × 8 against their median) and dHash (Krawetz
2013, 9 × 8). Measured: crops above a tenth escape both; mirrored and turned pictures too, unless
`turned` is compared.
"""

import math

import numpy as np
from PIL import Image

SAME_DISTANCE = 8
"""Bits apart, at most, for phash to call two pictures the same; up to `NEAR` a person looks."""
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
    """The perceptual hash, 8 bytes."""
    return _phash_of_grey(_to_greyscale(image, 32, 32))


def transformed_hashes(image: Image.Image) -> tuple[bytes, ...]:
    """The perceptual hashes of the picture mirrored and turned, and of the negatives of all eight,
    without its own."""
    grey = _to_greyscale(image, 32, 32)
    upright = [np.rot90(side, turns) for side in (grey, grey[:, ::-1]) for turns in range(4)]
    return tuple(_phash_of_grey(one) for one in [*upright[1:], *(255.0 - one for one in upright)])


def _phash_of_grey(grey: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> bytes:
    basis = _cosine_basis(32)
    low = (basis @ grey @ basis.T)[:8, :8]
    return np.packbits((low > np.median(low.ravel()[1:])).ravel()).tobytes()


def dhash(image: Image.Image) -> bytes:
    """The difference hash, 8 bytes: whether it grows brighter from one cell to the next."""
    grey = _to_greyscale(image, 9, 8)
    return np.packbits((grey[:, 1:] > grey[:, :-1]).ravel()).tobytes()


def hamming_distance(a: bytes, b: bytes) -> int:
    """The number of bits that differ. Raises ValueError when the lengths do."""
    if len(a) != len(b):
        raise ValueError("hashes of different kinds")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
