"""Light, colour and sharpness of a copy, set right within measured limits; and a copy twice as
large.

All of it grows with `strength` (0 to 100); levels that fill the scale stay. They cut off at most
`CLIP` of the pixels at either end and stretch no further than `STRETCH`; white balance (grey world)
shifts a channel by `SHIFT` at most.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from foundation.errors import BadInput
from generators.media.pictures import POST_PROFILE

CLIP = 0.005
"""The share of pixels that may become black, and white."""

STRETCH = 1.6
"""Light is stretched by this much at most: noise grows with it."""

SHIFT = 0.12
"""A channel becomes so much brighter or darker at most: a sunset stays one."""

SHARPEN = 60
RADIUS = 1.2
THRESHOLD = 3
"""Percent at full strength, pixels, and grey levels below which nothing is sharpened: noise is
not."""

Pixels = NDArray[np.float64]


def enhance_picture(image: Image.Image, strength: int) -> Image.Image:
    """A new RGB picture, set right by `strength`: noise, white balance, levels, sharpness. Raises
    BadInput."""
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
    """At full strength: each channel by one table, that of its balance and the levels of all."""
    small = image.copy()
    small.thumbnail((512, 512), Image.Resampling.BOX)
    pixels = np.asarray(small, dtype=np.float64)
    gains = _white_balance_gains(pixels)
    ends = np.quantile((pixels * gains).reshape(-1, 3), [CLIP, 1 - CLIP], axis=0)
    black = float(ends[0].min())  # of all channels: no colour is cut off more than that
    white = float(ends[1].max())
    gain = min(255.0 / max(white - black, 1.0), STRETCH)
    half = gain * (white - black) / 2
    middle = (black + white) / 2
    centre = min(max(middle, half), 255.0 - half)  # as light as before, where it fits
    steps = np.arange(256, dtype=np.float64)
    tables = [
        np.clip((steps * one - middle) * gain + centre, 0, 255).round().astype(int) for one in gains
    ]
    return image.point([int(each) for table in tables for each in table])


def _white_balance_gains(pixels: Pixels) -> NDArray[np.float64]:
    """How much each channel is multiplied by, so that the mean of the picture is nearer to grey."""
    means = pixels.reshape(-1, 3).mean(axis=0)
    return np.asarray(np.clip(means.mean() / np.maximum(means, 1.0), 1 - SHIFT, 1 + SHIFT))


def double_size(image: Image.Image) -> Image.Image:
    """A new picture of twice the sides by Lanczos: larger, not finer. Raises BadInput where it
    would be larger than what is kept."""
    if 2 * max(image.size) > POST_PROFILE.max_edge:
        raise BadInput("enhance.too_large", most=POST_PROFILE.max_edge)
    return image.resize((2 * image.width, 2 * image.height), Image.Resampling.LANCZOS)
