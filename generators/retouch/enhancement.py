"""Enhancement of light, colour and sharpness within measured limits, and enlargement to twice the
size.

Effects increase with `strength` (0 to 100). The levels adjustment clips at most `CLIP` of the
pixels at either end and stretches levels by at most `STRETCH`; a picture that already uses all
levels is unchanged. White balance (grey world) changes a channel by at most `SHIFT`.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from foundation.errors import BadInput
from generators.media.pictures import POST_PROFILE

CLIP = 0.005
"""Maximum share of pixels that may become black, and maximum share that may become white."""

STRETCH = 1.6
"""Maximum factor by which levels are stretched; noise increases with it."""

SHIFT = 0.12
"""Maximum change of a channel by white balance, so that a sunset keeps its colours."""

SHARPEN = 60
RADIUS = 1.2
THRESHOLD = 3
"""Sharpening at full strength: percent, radius in pixels, and the grey difference below which noise
is not sharpened."""

Pixels = NDArray[np.float64]


def enhance_picture(image: Image.Image, strength: int) -> Image.Image:
    """Return a new RGB picture, enhanced by `strength`: noise, white balance, levels, sharpness.
    Raises BadInput."""
    if not 0 <= strength <= 100:
        raise BadInput("enhance.bad_strength")
    if strength == 0:
        return image.convert("RGB")
    plain = image.convert("RGB")
    share = strength / 100
    quiet = Image.blend(plain, plain.filter(ImageFilter.MedianFilter(3)), 0.5 * share)
    found = Image.blend(quiet, _level_channels(quiet), share)
    return found.filter(ImageFilter.UnsharpMask(RADIUS, round(SHARPEN * share), THRESHOLD))


def _level_channels(image: Image.Image) -> Image.Image:
    """Return the picture enhanced at full strength, with one lookup table for each channel, from
    its balance and the common levels."""
    small = image.copy()
    small.thumbnail((512, 512), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64)
    gains = _white_balance_gains(pixels)
    ends = np.quantile((pixels * gains).reshape(-1, 3), [CLIP, 1 - CLIP], axis=0)
    black = float(ends[0].min())  # Common to all channels, so that none is clipped more.
    white = float(ends[1].max())
    gain = min(255.0 / max(white - black, 1.0), STRETCH)
    half = gain * (white - black) / 2
    middle = (black + white) / 2
    centre = min(max(middle, half), 255.0 - half)  # Keep the brightness where possible.
    steps = np.arange(256, dtype=np.float64)
    tables = [
        np.clip((steps * one - middle) * gain + centre, 0, 255).round().astype(int) for one in gains
    ]
    return image.point([int(each) for table in tables for each in table])


def _white_balance_gains(pixels: Pixels) -> NDArray[np.float64]:
    """Return the factor of each channel that moves the picture's mean towards grey."""
    means = pixels.reshape(-1, 3).mean(axis=0)
    return np.asarray(np.clip(means.mean() / np.maximum(means, 1.0), 1 - SHIFT, 1 + SHIFT))


def double_size(image: Image.Image) -> Image.Image:
    """Return a new picture of twice the size, enlarged by Lanczos resampling without added detail.
    Raises BadInput if it would exceed the stored size."""
    if 2 * max(image.size) > POST_PROFILE.max_edge:
        raise BadInput("enhance.too_large", most=POST_PROFILE.max_edge)
    return image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
