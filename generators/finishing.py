"""What is done to a copy of a picture before it leaves: as data, and done in one order."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from PIL import Image

from foundation.errors import BadInput
from generators import crops, cutouts, enhancing, forms, upscaling, watermarks
from generators.contract import Progress, unheard
from generators.cutouts import Cutter
from generators.upscaling import Upscaler
from generators.watermarks import Watermark


@dataclass(frozen=True)
class Finish:
    """A copy as it was asked for. `form` names one of `forms.FORMS`; "" keeps the whole picture. `strength`, 0 to 100,
    is how much light and colour are set right; `background` is what stands behind the subject: `blurred`, a colour
    `#rrggbb`, or "" for its own; `twice` makes it twice as large, `finer` as large as a model makes it. Raises BadInput
    for what cannot be asked."""

    form: str = ""
    strength: int = 0
    background: str = ""
    twice: bool = False
    finer: bool = False
    watermark: Watermark | None = None

    def __post_init__(self) -> None:
        if self.form and self.form not in forms.BY_NAME:
            raise BadInput("copy.unknown_form", form=self.form)
        if not 0 <= self.strength <= 100:
            raise BadInput("enhance.bad_strength")
        cutouts.check(self.background)
        if self.twice and self.finer:
            raise BadInput("upscale.both")

    @property
    def changes(self) -> bool:
        """Whether anything would be done at all."""
        return self != Finish()

    def to_json(self) -> dict[str, Any]:
        """As it is kept, and as it names its copy: what was not asked for is left out."""
        plain = asdict(Finish())
        return {key: said for key, said in asdict(self).items() if said != plain[key]}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Finish":
        """What was kept. Raises BadInput."""
        mark = kept.get("watermark")
        return cls(**{**kept, "watermark": Watermark(**mark) if mark else None})


def finish(
    image: Image.Image,
    asked: Finish,
    cutter: Cutter | None = None,
    upscaler: Upscaler | None = None,
    progress: Progress = unheard,
) -> Image.Image:
    """A new picture, finished as asked; the one handed in is left as it is. Raises BadInput; EngineMissing for another
    background where no model tells what that is, and for a finer one without a model; as `upscaling.larger`."""
    found = crops.cut(image, forms.BY_NAME[asked.form]) if asked.form else image.copy()
    if asked.strength:
        found = enhancing.enhance(found, asked.strength)
    if asked.background:
        found = cutouts.replaced(found, asked.background, cutter)  # after light and colour: a colour is as chosen
    if asked.twice:
        found = enhancing.twice(found)
    if asked.finer:
        found = upscaling.larger(found, upscaler, progress)
    return watermarks.write(found, asked.watermark) if asked.watermark else found  # last: nothing sharpens it
