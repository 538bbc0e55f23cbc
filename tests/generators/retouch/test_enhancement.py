"""Enhancement: limited, stronger with strength, and almost invisible on a good picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput
from generators.drawing.scene import draw_scene
from generators.media import picture_quality
from generators.retouch import enhancement


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    image, _ = draw_scene("mountains, winter", 7, 480, 360)
    return image


def dull(image: Image.Image) -> Image.Image:
    """Return the picture in a narrow range of grey with a yellow cast."""
    red, green, blue = (band.point(lambda one: 90 + one * 0.25) for band in image.split())
    return Image.merge("RGB", (red, green, blue.point(lambda one: one * 0.9)))


def spread(image: Image.Image) -> float:
    return float(np.asarray(image.convert("L"), dtype=float).std())


def cast(image: Image.Image) -> float:
    means = np.asarray(image, dtype=float).reshape(-1, 3).mean(axis=0)
    return float(means.max() - means.min())


def test_dull_picture_gains_contrast_and_loses_its_cast(scene: Image.Image) -> None:
    flat = Image.merge("RGB", [scene.convert("L")] * 3)
    before = dull(flat)
    after = enhancement.enhance_picture(before, 100)
    assert spread(after) > 1.3 * spread(before)
    assert cast(after) < 0.6 * cast(before)
    assert picture_quality.score_quality(after) > picture_quality.score_quality(before)


def test_change_grows_with_strength(scene: Image.Image) -> None:
    before = dull(scene)
    plain = np.asarray(before, dtype=int)
    changes = [
        abs(np.asarray(enhancement.enhance_picture(before, one), dtype=int) - plain).mean()
        for one in (0, 30, 60, 100)
    ]
    assert changes[0] == 0
    assert changes == sorted(changes)
    assert len(set(changes)) == 4


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), low=st.integers(0, 120), high=st.integers(130, 255))
def test_levels_clip_no_more_than_allowed(seed: int, low: int, high: int) -> None:
    noise = np.random.default_rng(seed).integers(low, high, (64, 64), dtype=np.uint8)
    grey = Image.merge("RGB", [Image.fromarray(noise)] * 3)
    found = np.asarray(enhancement._level_channels(grey).convert("L"))
    for end in (0, 255):
        before = float((noise == end).mean())
        assert float((found == end).mean()) <= before + 2 * enhancement.CLIP + 2 / (high - low)


def test_double_size_is_refused_beyond_the_stored_size(scene: Image.Image) -> None:
    assert enhancement.double_size(scene).size == (960, 720)
    with pytest.raises(BadInput, match="too_large"):
        enhancement.double_size(Image.new("RGB", (1025, 10)))


@pytest.mark.parametrize("strength", [-1, 101])
def test_strength_beyond_the_scale_is_refused(scene: Image.Image, strength: int) -> None:
    with pytest.raises(BadInput):
        enhancement.enhance_picture(scene, strength)
