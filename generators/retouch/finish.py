"""What is done to a copy of a picture before it leaves: as data, and done in one order."""

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
    """A copy as it was asked for. `form` names one of `aspect_ratios.ASPECT_RATIOS`; "" keeps the
    whole picture. `strength`, 0 to 100, is how much light and colour are set right; `background` is
    what stands behind the subject: `blurred`, a colour `#rrggbb`, or "" for its own; `twice` makes
    it twice as large, `finer` as large as a model makes it. Raises BadInput for what cannot be
    asked."""

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
        """Whether anything would be done at all."""
        return self != CopyFinish()

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as it names its copy: what was not asked for is left out."""
        plain = asdict(CopyFinish())
        return {key: said for key, said in asdict(self).items() if said != plain[key]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "CopyFinish":
        """What was kept. Raises BadInput."""
        mark = kept.get("watermark")
        return cls(**{**kept, "watermark": Watermark(**mark) if mark else None})


def apply_finish(
    image: Image.Image,
    asked: CopyFinish,
    cutter: BackgroundRemover | None = None,
    upscaler: Upscaler | None = None,
    progress: Progress = ignore_progress,
) -> Image.Image:
    """A new picture, finished as asked; the one handed in is left as it is. Raises BadInput;
    EngineMissing for another background where no model tells what that is, and for a finer one
    without a model; as `upscaling.upscale_picture`."""
    found = (
        crops.crop_to_form(image, aspect_ratios.ASPECT_RATIOS_BY_NAME[asked.form])
        if asked.form
        else image.copy()
    )
    if asked.strength:
        found = enhancement.enhance_picture(found, asked.strength)
    if asked.background:
        found = backgrounds.replace_background(
            found, asked.background, cutter
        )  # after light and colour: a colour is as chosen
    if asked.twice:
        found = enhancement.double_size(found)
    if asked.finer:
        found = upscale_picture(found, upscaler, progress)
    return (
        watermarks.draw_watermark(found, asked.watermark) if asked.watermark else found
    )  # last: nothing sharpens it
