"""Replacement of a picture's background by a blur of itself or by one colour.

A configured model separates the subject from the background
(`generators/engines/vision/background_masks.py`).
"""

import re
from typing import Protocol

from PIL import Image, ImageColor, ImageFilter

from foundation.errors import BadInput
from generators.contract.engines import EngineMissing

BLURRED_BACKGROUND = "blurred"
COLOUR = re.compile(r"#[0-9a-f]{6}")

SOFT = 40
"""Divisor of the longer edge that gives the radius of the blur: shapes disappear, and only light
remains."""


class BackgroundRemover(Protocol):
    """A model that separates a subject from its background."""

    def subject_mask(self, image: Image.Image) -> Image.Image:
        """Return a mask of the picture's size, white on the subject. Raises BadInput if there is no
        subject, EngineMissing if the model cannot be used."""
        ...

    def check(self) -> None:
        """Raise EngineMissing if the model cannot be used."""
        ...


def check_background(background: str) -> None:
    """Raise BadInput for an invalid background."""
    if background and background != BLURRED_BACKGROUND and not COLOUR.fullmatch(background):
        raise BadInput("cutout.bad_background")


def replace_background(
    image: Image.Image, background: str, cutter: BackgroundRemover | None
) -> Image.Image:
    """Return a new RGB picture with its subject in front of a blur or a colour `#rrggbb`. Raises
    BadInput, EngineMissing."""
    check_background(background)
    if cutter is None:
        raise EngineMissing("cutout.no_model")
    plain = image.convert("RGB")
    if background == BLURRED_BACKGROUND:
        behind = plain.filter(ImageFilter.GaussianBlur(max(plain.size) / SOFT))
    else:
        behind = Image.new("RGB", plain.size, ImageColor.getrgb(background))
    return Image.composite(plain, behind, cutter.subject_mask(plain))
