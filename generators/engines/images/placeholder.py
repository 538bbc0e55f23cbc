"""The image engine without a model: a scene drawn from known words, with a visible PLACEHOLDER
stamp.

The same job gives the same bytes on the same build of numpy and Pillow. Its pictures must not be
sent without a member's approval.
"""

import io

from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import (
    GeneratedPicture,
    ImageEngine,
    ImageJob,
    OriginLabel,
    Progress,
    check_inputs_supported,
    ignore_progress,
)
from generators.drawing.scene import draw_scene
from generators.retouch import label_stamps

_WORD = "PLACEHOLDER"


def load_engine(settings: GeneratorsSettings) -> ImageEngine | None:
    """Return the engine, or None if a model folder is set: a broken folder is then an error, not a
    reason to draw placeholders."""
    return None if settings.diffusion_folder else PlaceholderEngine()


class PlaceholderEngine:
    """Draws scenes with Pillow, without a model or a network, in under a second for 1600 × 1200."""

    name = "placeholder"
    does = frozenset[str]()
    model = "scenes-1"

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        """Return the stamped drawing. Raises exceptions of `progress`."""
        check_inputs_supported(self, job)
        progress(0, 2)
        image, setting = draw_scene(job.prompt, job.seed, job.width, job.height)
        progress(1, 2)
        label_stamps.draw_stamp(image, _WORD)
        progress(2, 2)
        return GeneratedPicture(
            data=encode_jpeg(image),
            mime="image/jpeg",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=OriginLabel.PLACEHOLDER,
            seed=job.seed,
            prompt=job.prompt,
            parameters={
                "place": setting.place,
                "hour": setting.hour,
                "weather": setting.weather,
                "season": setting.season,
            },
        )


def encode_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    """Return the picture as JPEG without metadata."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True, exif=b"")
    return buffer.getvalue()
