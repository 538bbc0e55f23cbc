"""Fitting of input pictures to an engine's sizes, and of the result back to the requested picture.
Nothing is stretched, and unmasked areas remain identical to the pixel. Local engines and remote
workers receive the same fitted inputs.

An initial picture sets the proportions of the result, at the requested area. With a mask, only the
part around it is drawn, at the requested size, and pasted back. A pose is padded.
"""

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from PIL import Image, ImageChops, ImageFilter, ImageOps

from generators.contract.engines import (
    GeneratedPicture,
    ImageEngine,
    ImageJob,
    OriginLabel,
    Progress,
    SupportsBatches,
    ignore_progress,
)
from generators.media import pictures
from generators.retouch import label_stamps

STEP = 16
"""Step in pixels between edge lengths that every model accepts."""

MIN_EDGE = 64
MAX_EDGE = 4096
"""Limits of a job's edges in pixels."""

ROOM = 0.5
"""Margin around a mask on each side, relative to the mask's longer edge: a model must see the
surroundings."""

SLIMMEST = 2.0
"""Maximum aspect ratio of the part around a mask, if the picture is large enough."""

FEATHER = 24
"""Divisor of a mask's shorter side that gives the width of its softened edge; the edge is softened
inwards only."""


@dataclass(frozen=True)
class _Part:
    """The target of a drawn part: the picture, the box in pixels, and the opacity of the new pixels
    as a greyscale mask."""

    ground: Image.Image = field(repr=False)
    box: tuple[int, int, int, int]
    counts: Image.Image = field(repr=False)


@dataclass(frozen=True)
class FittedJob:
    """A job fitted to the engine, and the data that restores the requested picture from the
    result."""

    job: ImageJob
    part: _Part | None = None

    def restore_picture(self, made: GeneratedPicture) -> GeneratedPicture:
        """Return the requested picture: the result as made, or pasted into the white area of the
        mask. Raises BadInput for unreadable bytes."""
        if self.part is None:
            return made
        left, top, right, bottom = self.part.box
        size = (right - left, bottom - top)
        new = pictures.flatten_on(
            pictures.decode_photo(made.data, name=made.engine).pixels, pictures.PAPER
        )
        new = new if new.size == size else new.resize(size, Image.Resampling.LANCZOS)
        ground = self.part.ground.copy()
        ground.paste(new, (left, top), self.part.counts)
        if made.label is OriginLabel.DEMO:
            # The part's stamp may be outside the pasted area.
            label_stamps.draw_stamp(ground, label_stamps.DEMO_STAMP)
        told = {**made.parameters, "part": f"{size[0]}x{size[1]}+{left}+{top}"}
        return replace(
            made,
            data=_encode_png(ground),
            mime="image/png",
            width=ground.width,
            height=ground.height,
            parameters=told,
        )


def draw_jobs(
    engine: ImageEngine, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
) -> Iterator[GeneratedPicture]:
    """Yield the pictures of jobs in order, in batches if the engine supports them. Raises the
    errors of `draw`, and BadInput for an unreadable input picture."""
    shaped = [fit_job(job) for job in jobs]
    if len(shaped) > 1 and isinstance(engine, SupportsBatches):
        made = engine.draw_many([one.job for one in shaped], progress)
    else:
        made = (engine.draw(one.job, progress) for one in shaped)
    for one, picture in zip(shaped, made, strict=True):
        yield one.restore_picture(picture)


def fit_job(job: ImageJob) -> FittedJob:
    """Return the job with its input pictures scaled to its size without distortion. Raises BadInput
    if an input is not a picture."""
    if job.pose:
        job = replace(
            job, pose=_encode_png(ImageOps.pad(_decode_pixels(job.pose), (job.width, job.height)))
        )
    if not job.init:
        return FittedJob(job)
    pixels = _decode_pixels(job.init)
    if job.mask:
        return _crop_around_mask(job, pixels)
    size = fitted_size(pixels.size, job.width * job.height)
    init = _encode_png(ImageOps.fit(pixels, size, Image.Resampling.LANCZOS))
    return FittedJob(replace(job, init=init, width=size[0], height=size[1]))


def fitted_size(size: tuple[int, int], area: int) -> tuple[int, int]:
    """Return width and height with about this area in pixels and the proportions of `size`, in
    steps that models accept."""
    share = math.sqrt(area / (size[0] * size[1]))
    wide, high = (min(max(round(edge * share / STEP) * STEP, MIN_EDGE), MAX_EDGE) for edge in size)
    return wide, high


def _crop_around_mask(job: ImageJob, pixels: Image.Image) -> FittedJob:
    mask = pictures.decode_photo(job.mask, name="mask").pixels.convert("L")
    mask = mask if mask.size == pixels.size else mask.resize(pixels.size, Image.Resampling.NEAREST)
    white = mask.getbbox() or (0, 0, *pixels.size)
    box = _context_box(white, pixels.size)
    size = fitted_size((box[2] - box[0], box[3] - box[1]), job.width * job.height)
    init, part = (one.crop(box).resize(size, Image.Resampling.LANCZOS) for one in (pixels, mask))
    asked = replace(
        job, init=_encode_png(init), mask=_encode_png(part), width=size[0], height=size[1]
    )
    soft = min(white[2] - white[0], white[3] - white[1]) / FEATHER
    return FittedJob(asked, _Part(pixels, box, _feather_mask(mask, soft).crop(box)))


def _context_box(
    white: tuple[int, int, int, int], size: tuple[int, int]
) -> tuple[int, int, int, int]:
    """Return the part of a picture around a box, not narrower than models can draw well, and within
    the picture."""
    edges = white[2] - white[0], white[3] - white[1]
    around = 2 * ROOM * max(edges)
    wanted = [edge + around for edge in edges]
    wanted = [max(edge, max(wanted) / SLIMMEST) for edge in wanted]
    sides = []
    for axis in (0, 1):
        long = min(math.ceil(wanted[axis]), size[axis])
        start = min(max((white[axis] + white[axis + 2] - long) // 2, 0), size[axis] - long)
        sides.append((start, start + long))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def _feather_mask(mask: Image.Image, soft: float) -> Image.Image:
    """Return the mask with a soft inner edge; black areas remain black."""
    blurred = mask.filter(ImageFilter.GaussianBlur(soft))
    return ImageChops.darker(
        mask, blurred.point([max(0, min(255, 2 * (grey - 128) + 1)) for grey in range(256)])
    )


def _decode_pixels(data: bytes) -> Image.Image:
    return pictures.flatten_on(pictures.decode_photo(data, name="reference").pixels, pictures.PAPER)


def _encode_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
