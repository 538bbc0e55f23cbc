"""Hashes that stay near when a picture is resized or re-encoded. 64 bits each; compare with `distance`.

Source: pHash (Zauner 2010, DCT of 32 × 32, the low 8 × 8 against their median) and dHash (Krawetz 2013, 9 × 8).
Measured: crops above a tenth and mirrored pictures escape both; hash the mirrored picture too when that matters.
"""

import math

import numpy as np
from PIL import Image

SAME = 8
"""Bits apart, at most, for phash to call two pictures the same; up to `NEAR` a person looks."""
NEAR = 12


def _grey(image: Image.Image, width: int, height: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    flat = image.convert("RGB").convert("L") if image.mode not in ("L", "RGB") else image.convert("L")
    return np.asarray(flat.resize((width, height), Image.Resampling.LANCZOS), dtype=np.float64)


def _cosines(size: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    k, n = np.arange(size)[:, None], np.arange(size)[None, :]
    return np.cos(math.pi * (2 * n + 1) * k / (2 * size))


def phash(image: Image.Image) -> bytes:
    """The perceptual hash, 8 bytes."""
    basis = _cosines(32)
    low = (basis @ _grey(image, 32, 32) @ basis.T)[:8, :8]
    return np.packbits((low > np.median(low.ravel()[1:])).ravel()).tobytes()


def dhash(image: Image.Image) -> bytes:
    """The difference hash, 8 bytes: whether it grows brighter from one cell to the next."""
    grey = _grey(image, 9, 8)
    return np.packbits((grey[:, 1:] > grey[:, :-1]).ravel()).tobytes()


def distance(a: bytes, b: bytes) -> int:
    """The number of bits that differ. Raises ValueError when the lengths do."""
    if len(a) != len(b):
        raise ValueError("hashes of different kinds")
    return (int.from_bytes(a, "big") ^ int.from_bytes(b, "big")).bit_count()
