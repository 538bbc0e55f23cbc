"""The engine without a model: a drawn scene for the words it knows, plainly marked PLACEHOLDER.

Same job, same bytes (on the same build of numpy and Pillow). Its pictures must not be sent without a person's word.
"""

import io

from PIL import Image, ImageDraw, ImageFont

from foundation.settings import GeneratorsSettings
from generators.contract import ImageEngine, ImageJob, Label, Picture, Progress, unheard
from generators.drawing.scene import draw_scene

_MARK = "PLACEHOLDER"


def offer(settings: GeneratorsSettings) -> ImageEngine | None:
    """The engine, unless a model folder is set: then a broken folder is an error, not a reason for drawings."""
    return None if settings.diffusion_folder else Placeholder()


class Placeholder:
    """Draws scenes with Pillow; needs no model, no network and under a second for 1600 × 1200."""

    name = "placeholder"
    model = "scenes-1"

    def draw(self, job: ImageJob, progress: Progress = unheard) -> Picture:
        """The marked drawing. Raises what `progress` raises."""
        progress(0, 2)
        image, setting = draw_scene(job.prompt, job.seed, job.width, job.height)
        progress(1, 2)
        _mark(image)
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


def _mark(image: Image.Image) -> None:
    """A band along the lower edge, and the word once more, faint, across the middle: a crop keeps one of them."""
    draw = ImageDraw.Draw(image, "RGBA")
    band = max(12, round(image.height * 0.045))
    draw.rectangle((0, image.height - band, image.width, image.height), fill=(18, 20, 28, 205))
    font = ImageFont.load_default(band * 0.52)
    spaced = " ".join(_MARK)
    draw.text((image.width / 2, image.height - band / 2), spaced, font=font, fill=(255, 255, 255, 235), anchor="mm")
    large = ImageFont.load_default(image.width * 0.082)
    faint = Image.new("L", image.size)
    ImageDraw.Draw(faint).text((image.width / 2, image.height / 2), _MARK, font=large, fill=46, anchor="mm")
    image.paste((255, 255, 255), mask=faint)
