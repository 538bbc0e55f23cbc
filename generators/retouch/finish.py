"""Requested changes to a copy before it is published, as data, applied in a fixed order."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from foundation.errors import BadInput
from generators.contract.engines import Progress, ignore_progress
from generators.retouch import (
    aspect_ratios,
    backgrounds,
    crops,
    enhancement,
    watermarks,
)
from generators.retouch.backgrounds import BackgroundRemover
from generators.retouch.upscaler import Upscaler, upscale_picture
from generators.retouch.watermarks import Watermark


@dataclass(frozen=True)
class CopyFinish:
    """The requested changes to a copy. Raises BadInput for invalid values.

    `form` names one of `aspect_ratios.ASPECT_RATIOS`; "" keeps the whole picture. `strength`, 0 to
    100, enhances light and colour. `background` is `blurred`, a colour `#rrggbb`, or "" for no
    change. `twice` doubles the size; `finer` enlarges with a model.
    """

    form: str = ""
    strength: int = 0
    background: str = ""
    twice: bool = False
    finer: bool = False
    watermark: Watermark | None = None

    def __post_init__(self) -> None:
        if self.form and self.form not in aspect_ratios.ASPECT_RATIOS_BY_NAME:
            raise BadInput("copy.unknown_form", form=self.form)
        if not 0 <= self.strength <= 100:
            raise BadInput("enhance.bad_strength")
        backgrounds.check_background(self.background)
        if self.twice and self.finer:
            raise BadInput("upscale.both")

    @property
    def has_changes(self) -> bool:
        """True if anything would change."""
        return self != CopyFinish()

    def to_json(self) -> dict[str, Any]:
        """Return the finish as stored JSON, which also identifies the copy. Default values are
        omitted."""
        plain = asdict(CopyFinish())
        return {key: said for key, said in asdict(self).items() if said != plain[key]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "CopyFinish":
        """Return the finish from stored JSON. Raises BadInput."""
        mark = kept.get("watermark")
        return cls(**{**kept, "watermark": Watermark(**mark) if mark else None})


def apply_finish(
    image: Image.Image,
    asked: CopyFinish,
    cutter: BackgroundRemover | None = None,
    upscaler: Upscaler | None = None,
    progress: Progress = ignore_progress,
) -> Image.Image:
    """Return a new picture with the requested finish; the given one is unchanged.

    Raises BadInput, EngineMissing without the model for a background or for `finer`, and the errors
    of `upscaler.upscale_picture`.
    """
    found = (
        crops.crop_to_form(image, aspect_ratios.ASPECT_RATIOS_BY_NAME[asked.form])
        if asked.form
        else image.copy()
    )
    if asked.strength:
        found = enhancement.enhance_picture(found, asked.strength)
    if asked.background:
        # After light and colour, so that the colour remains as chosen.
        found = backgrounds.replace_background(found, asked.background, cutter)
    if asked.twice:
        found = enhancement.double_size(found)
    if asked.finer:
        found = upscale_picture(found, upscaler, progress)
    # Last, so that nothing sharpens it.
    return watermarks.draw_watermark(found, asked.watermark) if asked.watermark else found
