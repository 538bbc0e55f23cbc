"""Crops: exactly in the aspect ratio, inside the picture, and around its subject."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from foundation.errors import BadInput
from generators.drawing.scene import draw_scene
from generators.retouch import aspect_ratios, crops, subject_detection
from generators.retouch.aspect_ratios import ASPECT_RATIOS, AspectRatio
from generators.retouch.subject_detection import PixelBox

SIDES = st.integers(60, 4096)


def planted(scene: Image.Image, at: tuple[float, float]) -> tuple[Image.Image, PixelBox]:
    """Return a scene with a figure in a bright coat at these relative coordinates, and the box of
    the figure."""
    image = scene.copy()
    high = image.height * 0.3
    across, down, half = image.width * at[0], image.height * at[1], high * 0.17
    head = high * 0.12
    top = down - high / 2
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle(
        (across - half, top + 2 * head, across + half, top + high), head, fill=(214, 32, 60)
    )
    draw.ellipse((across - head, top, across + head, top + 2 * head), fill=(38, 24, 20))
    return image, PixelBox(
        int(across - half), int(top), int(across + half) + 1, int(top + high) + 1
    )


@st.composite
def boxes(draw: st.DrawFn, wide: int, high: int) -> PixelBox:
    left, top = draw(st.integers(0, wide - 1)), draw(st.integers(0, high - 1))
    return PixelBox(left, top, draw(st.integers(left + 1, wide)), draw(st.integers(top + 1, high)))


@given(data=st.data(), wide=SIDES, high=SIDES, form=st.sampled_from(ASPECT_RATIOS))
def test_crop_is_inside_exact_and_contains_the_subject(
    data: st.DataObject, wide: int, high: int, form: AspectRatio
) -> None:
    keep = data.draw(st.none() | boxes(wide, high))
    found = crops.crop_window((wide, high), form, keep)
    assert PixelBox(0, 0, wide, high).contains(found)
    assert Fraction(found.width, found.height) == Fraction(form.wide, form.high)
    assert found.width + form.wide > wide or found.height + form.high > high
    if keep is not None:
        assume(keep.width <= found.width and keep.height <= found.height)
        assert found.contains(keep)


@given(form=st.sampled_from(ASPECT_RATIOS), wide=SIDES)
def test_subject_too_tall_loses_its_bottom(form: AspectRatio, wide: int) -> None:
    high = wide * 4
    keep = PixelBox(0, wide // 3, wide, high)
    assert crops.crop_window((wide, high), form, keep).top == keep.top


def test_picture_too_small_for_the_form_is_refused() -> None:
    with pytest.raises(BadInput, match="too_small"):
        crops.crop_window((8, 900), aspect_ratios.ASPECT_RATIOS_BY_NAME["story"], None)


SCENES = (
    "beach at sunset, summer",
    "city at night",
    "forest in the morning",
    "mountains, winter",
    "desert at noon",
)


@pytest.mark.parametrize("at", [0.1, 0.9])
@pytest.mark.parametrize("prompt", SCENES)
def test_off_centre_subject_is_kept_by_the_crop(prompt: str, at: float) -> None:
    scene, _ = draw_scene(prompt, 7, 960, 720)
    image, figure = planted(scene, (at, 0.6))
    found = subject_detection.find_subject(image)
    assert found is not None
    for form in ASPECT_RATIOS:
        assert crops.crop_window(image.size, form, found).contains(figure), form.name
    left, top, right, bottom = crops.fill_window(image, (720, 1280))  # a portrait clip
    assert PixelBox(int(left), int(top), round(right), round(bottom)).contains(figure)
    assert abs((right - left) * 1280 - (bottom - top) * 720) < 1
    lost = [
        form.name
        for form in ASPECT_RATIOS
        if not crops.crop_window(image.size, form, None).contains(figure)
    ]
    assert {"story", "feed", "square", "pin"} <= set(lost)


def test_plain_colour_has_no_subject() -> None:
    plain = Image.new("RGB", (640, 480), (90, 120, 160))
    assert subject_detection.find_subject(plain) is None
    assert crops.crop_to_form(plain, aspect_ratios.ASPECT_RATIOS_BY_NAME["square"]).size == (
        480,
        480,
    )


@pytest.mark.parametrize("form", ASPECT_RATIOS, ids=lambda form: form.name)
def test_large_crop_has_the_size_platforms_show(form: AspectRatio) -> None:
    found = crops.crop_to_form(Image.new("RGB", (4000, 4000), "white"), form)
    assert max(found.size) <= form.edge
    assert Fraction(*found.size) == Fraction(form.wide, form.high)
    assert form.source.startswith("https://")
