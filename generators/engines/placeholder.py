"""The engine without a model: a drawn scene for the words it knows, plainly marked PLACEHOLDER.

Same job, same bytes (on the same build of numpy and Pillow). Its pictures must not be sent without a person's word.
"""

import io

from PIL import Image

from foundation.settings import GeneratorsSettings
from generators import stamps
from generators.contract import ImageEngine, ImageJob, Label, Picture, Progress, check_asks, unheard
from generators.drawing.scene import draw_scene

_WORD = "PLACEHOLDER"


def offer(settings: GeneratorsSettings) -> ImageEngine | None:
    """The engine, unless a model folder is set: then a broken folder is an error, not a reason for drawings."""
    return None if settings.diffusion_folder else Placeholder()


class Placeholder:
    """Draws scenes with Pillow; needs no model, no network and under a second for 1600 × 1200."""

    name = "placeholder"
    does = frozenset[str]()
    model = "scenes-1"

    def draw(self, job: ImageJob, progress: Progress = unheard) -> Picture:
        """The marked drawing. Raises what `progress` raises."""
        check_asks(self, job)
        progress(0, 2)
        image, setting = draw_scene(job.prompt, job.seed, job.width, job.height)
        progress(1, 2)
        stamps.stamp(image, _WORD)
        progress(2, 2)
        return Picture(
            data=jpeg(image),
            mime="image/jpeg",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=Label.PLACEHOLDER,
            seed=job.seed,
            prompt=job.prompt,
            parameters={
                "place": setting.place,
                "hour": setting.hour,
                "weather": setting.weather,
                "season": setting.season,
            },
        )


def jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """The picture as JPEG, without any metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True, exif=b"")
    return buffer.getvalue()
