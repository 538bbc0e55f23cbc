"""How a picture that others are made from goes to an engine and comes back: nothing of it is
stretched, and what is not made anew stays as it was, to the pixel. Every engine gets it in this one
shape, here and on an agency's own machines.

A picture to begin from gives its proportions to what is made, in the area that was asked for. Of
one with a mask the part around the mask alone is drawn, as large as was asked for, and pasted back.
A posture is padded.
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
"""Pixels: every model takes edges that are multiples of it."""

MIN_EDGE = 64
MAX_EDGE = 4096
"""Pixels of an edge of a job."""

ROOM = 0.5
"""What is drawn around a mask, on each side, against the mask's own longer edge: a model must see
what it joins."""

SLIMMEST = 2.0
"""The part around a mask is at most so many times as long as it is wide, where the picture has the
room."""

FEATHER = 24
"""The edge of a mask is soft over this part of its shorter side, all of it inside."""


@dataclass(frozen=True)
class _Part:
    """Where a drawn part goes: the picture, its box in pixels, and how much of the new counts
    there, as grey."""

    ground: Image.Image = field(repr=False)
    box: tuple[int, int, int, int]
    counts: Image.Image = field(repr=False)


@dataclass(frozen=True)
class FittedJob:
    """A job as an engine is asked, and what makes its answer the picture that was wanted."""

    job: ImageJob
    part: _Part | None = None

    def restore_picture(self, made: GeneratedPicture) -> GeneratedPicture:
        """The picture that was wanted: as it was made, or pasted where its mask is white. Raises
        BadInput for bytes that are no picture."""
        if self.part is None:
            return made
        left, top, right, bottom = self.part.box
        size = (right - left, bottom - top)
        new = pictures.decode_photo(made.data, name=made.engine).pixels.convert("RGB")
        new = new if new.size == size else new.resize(size, Image.Resampling.LANCZOS)
        ground = self.part.ground.copy()
        ground.paste(new, (left, top), self.part.counts)
        if made.label is OriginLabel.DEMO:
            label_stamps.draw_stamp(
                ground, label_stamps.DEMO_STAMP
            )  # the part's own may lie where nothing is pasted
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
    """The pictures of jobs in their order, several at once of an engine that gains by it. Raises as
    `draw`, and BadInput for a picture to work from that cannot be read."""
    shaped = [fit_job(job) for job in jobs]
    if len(shaped) > 1 and isinstance(engine, SupportsBatches):
        made = engine.draw_many([one.job for one in shaped], progress)
    else:
        made = (engine.draw(one.job, progress) for one in shaped)
    for one, picture in zip(shaped, made, strict=True):
        yield one.restore_picture(picture)


def fit_job(job: ImageJob) -> FittedJob:
    """A job whose pictures have its own size, in their own proportions. Raises BadInput for what is
    no picture."""
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
    """Width and height of about an area in pixels, in the proportions of a size, as models take
    them."""
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
    """The part of a picture around a box, no slimmer than a model draws well, moved inwards at the
    picture's edges."""
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
    """A mask with its edge made soft inwards: what is black in it stays black."""
    blurred = mask.filter(ImageFilter.GaussianBlur(soft))
    return ImageChops.darker(
        mask, blurred.point([max(0, min(255, 2 * (grey - 128) + 1)) for grey in range(256)])
    )


def _decode_pixels(data: bytes) -> Image.Image:
    return pictures.decode_photo(data, name="reference").pixels.convert("RGB")


def _encode_png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
