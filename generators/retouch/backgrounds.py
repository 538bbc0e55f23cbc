"""What is behind the subject of a picture, replaced: by a blur of itself, or by one colour.

Who is subject and who is background is told by a model of the installation's own
(`engines/masks.py`).
"""

import re
from typing import Protocol

from PIL import Image, ImageColor, ImageFilter

from foundation.errors import BadInput
from generators.contract.engines import EngineMissing

BLURRED_BACKGROUND = "blurred"
COLOUR = re.compile(r"#[0-9a-f]{6}")

SOFT = 40
"""The blur's radius is the longer edge by this: shapes are gone, light stays."""


class BackgroundRemover(Protocol):
    """Tells a subject from its background."""

    def subject_mask(self, image: Image.Image) -> Image.Image:
        """White where the subject of an RGB picture is, of its size. Raises BadInput where there is
        none, EngineMissing."""
        ...

    def check(self) -> None:
        """Raise EngineMissing where its model cannot be used."""
        ...


def check_background(background: str) -> None:
    """Raise BadInput for what cannot stand behind a subject."""
    if background and background != BLURRED_BACKGROUND and not COLOUR.fullmatch(background):
        raise BadInput("cutout.bad_background")


def replace_background(
    image: Image.Image, background: str, cutter: BackgroundRemover | None
) -> Image.Image:
    """A new RGB picture: its subject before a blur, or before a colour `#rrggbb`. Raises BadInput,
    EngineMissing."""
    check_background(background)
    if cutter is None:
        raise EngineMissing("cutout.no_model")
    plain = image.convert("RGB")
    if background == BLURRED_BACKGROUND:
        behind = plain.filter(ImageFilter.GaussianBlur(max(plain.size) / SOFT))
    else:
        behind = Image.new("RGB", plain.size, ImageColor.getrgb(background))
    return Image.composite(plain, behind, cutter.subject_mask(plain))
