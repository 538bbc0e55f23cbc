"""Input pictures are never stretched, and pixels outside the mask stay identical."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    OriginLabel,
    Progress,
    ignore_progress,
)
from generators.engines.images import input_fitting
from generators.retouch import masks
from generators.retouch.masks import MaskRegion
from tests.generators.builders import a_picture, an_image_job, encoded

MIDDLE = MaskRegion(40, 40, 60, 60)


@dataclass
class Filler:
    """An engine that fills every picture with one colour at the requested size."""

    name: str = "diffusion"
    model: str = "filler"
    does: frozenset[str] = frozenset({"init", "mask", "pose"})
    label: OriginLabel = OriginLabel.NONE
    colour: tuple[int, int, int] = (255, 0, 0)
    asked: list[ImageJob] = field(default_factory=list)

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        self.asked.append(job)
        image = Image.new("RGB", (job.width, job.height), self.colour)
        return GeneratedPicture(
            data=encoded(image, "PNG"),
            mime="image/png",
            width=job.width,
            height=job.height,
            engine=self.name,
            model=self.model,
            label=self.label,
            seed=job.seed,
            prompt=job.prompt,
            parameters={"strength": job.strength},
        )

    def draw_many(
        self, jobs: Sequence[ImageJob], progress: Progress = ignore_progress
    ) -> Iterator[GeneratedPicture]:
        for job in jobs:
            yield self.draw(job, progress)


def pixels(data: bytes) -> NDArray[np.int64]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), dtype=np.int64)


def circle(width: int, height: int) -> bytes:
    """Return a white circle, which stretching would turn into an ellipse."""
    image = Image.new("RGB", (width, height))
    edge = min(width, height) // 4
    middle = (width // 2, height // 2)
    ImageDraw.Draw(image).ellipse(
        (middle[0] - edge, middle[1] - edge, middle[0] + edge, middle[1] + edge), "white"
    )
    return encoded(image, "PNG")


def roundness(data: bytes) -> float:
    """Return the width of the white area divided by its height."""
    white = pixels(data)[:, :, 0] > 128
    return float(white.any(axis=0).sum() / white.any(axis=1).sum())


def one(engine: Filler, job: ImageJob) -> GeneratedPicture:
    (made,) = input_fitting.draw_jobs(engine, [job])
    return made


def test_portrait_init_keeps_its_aspect_ratio_under_a_landscape_recipe() -> None:
    engine = Filler()
    made = one(engine, an_image_job(width=1600, height=1200, init=circle(1088, 1360)))
    (asked,) = engine.asked
    assert made.width / made.height == pytest.approx(4 / 5, rel=0.02)
    assert made.width * made.height == pytest.approx(1600 * 1200, rel=0.03)
    assert (
        (asked.width, asked.height)
        == (made.width, made.height)
        == Image.open(io.BytesIO(asked.init)).size
    )
    assert roundness(asked.init) == pytest.approx(1, abs=0.01)


def test_pose_is_padded_to_the_recipes_size() -> None:
    engine = Filler()
    one(engine, an_image_job(width=1600, height=1200, pose=circle(600, 1200)))
    (asked,) = engine.asked
    assert (asked.width, asked.height) == Image.open(io.BytesIO(asked.pose)).size == (1600, 1200)
    assert roundness(asked.pose) == pytest.approx(1, abs=0.01)


@given(
    wide=st.integers(16, 6000),
    high=st.integers(16, 6000),
    area=st.sampled_from([96 * 64, 1600 * 1200, 2048 * 2048]),
)
def test_fitted_size_is_always_valid(wide: int, high: int, area: int) -> None:
    size = input_fitting.fitted_size((wide, high), area)
    assert all(
        edge % input_fitting.STEP == 0 and input_fitting.MIN_EDGE <= edge <= input_fitting.MAX_EDGE
        for edge in size
    )
    assert ImageJob("x", 1, width=size[0], height=size[1])


@pytest.mark.parametrize(
    "region",
    [MIDDLE, MaskRegion(0, 0, 30, 100), MaskRegion(90, 90, 100, 100), MaskRegion(0, 0, 100, 100)],
)
@pytest.mark.parametrize("size", [(900, 600), (333, 777)])
def test_pixels_outside_the_mask_stay_identical(region: MaskRegion, size: tuple[int, int]) -> None:
    photo = encoded(a_picture(*size), "PNG")
    engine = Filler()
    made = one(
        engine,
        an_image_job(width=512, height=512, init=photo, mask=masks.mask_for_picture(region, photo)),
    )
    assert (made.width, made.height, made.mime) == (*size, "image/png")
    before, after = pixels(photo), pixels(made.data)
    mask = np.asarray(Image.open(io.BytesIO(masks.mask_for_picture(region, photo)))) == 255
    assert (before[~mask] == after[~mask]).all()
    middle = (
        (region.top + region.bottom) * size[1] // 200,
        (region.left + region.right) * size[0] // 200,
    )
    assert tuple(after[middle]) == engine.colour
    assert (before[mask] != after[mask]).any(axis=1).mean() > 0.8


def test_mask_is_drawn_with_context_at_the_requested_size() -> None:
    photo = encoded(a_picture(1600, 1200), "PNG")
    engine = Filler()
    made = one(
        engine,
        an_image_job(width=512, height=512, init=photo, mask=masks.mask_for_picture(MIDDLE, photo)),
    )
    (asked,) = engine.asked
    wide, high = (int(edge) for edge in str(made.parameters["part"]).split("+")[0].split("x"))
    assert wide * high < 1600 * 1200 / 3, "only the area around the mask"
    assert wide > 320 * 1.5
    assert high > 240 * 1.5
    assert asked.width * asked.height == pytest.approx(512 * 512, rel=0.1)
    assert asked.width / asked.height == pytest.approx(wide / high, rel=0.05)
    white = pixels(asked.mask)[:, :, 0] > 128
    assert 0.1 < white.mean() < 0.5
    assert not white[0].any(), "a margin on every side"


def test_inpainted_edge_is_soft() -> None:
    photo = encoded(Image.new("RGB", (800, 800), (0, 0, 0)), "PNG")
    made = one(
        Filler(),
        an_image_job(width=512, height=512, init=photo, mask=masks.mask_for_picture(MIDDLE, photo)),
    )
    row = pixels(made.data)[400, :, 0]
    assert len(set(row)) > 4
    assert np.abs(np.diff(row)).max() < 128


def test_inpainting_by_a_demo_model_carries_its_label() -> None:
    photo = encoded(a_picture(800, 600), "PNG")
    plain = one(Filler(), an_image_job(init=photo, mask=masks.mask_for_picture(MIDDLE, photo)))
    demo = one(
        Filler(label=OriginLabel.DEMO),
        an_image_job(init=photo, mask=masks.mask_for_picture(MIDDLE, photo)),
    )
    assert (pixels(plain.data)[-10:] != pixels(demo.data)[-10:]).any()


def test_text_only_jobs_pass_unchanged() -> None:
    engine = Filler()
    jobs = [an_image_job(seed=seed) for seed in (1, 2)]
    assert [made.seed for made in input_fitting.draw_jobs(engine, jobs)] == [1, 2]
    assert engine.asked == jobs
