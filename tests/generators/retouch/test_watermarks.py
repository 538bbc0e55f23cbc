"""A watermark on a copy: readable on light, dark and busy grounds, in its corner, and never on the
original."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput
from generators.drawing.scene import draw_scene
from generators.retouch import watermarks
from generators.retouch.watermarks import WATERMARK_CORNERS, Watermark


@pytest.mark.parametrize("ground", [0, 60, 128, 200, 255])
def test_watermark_is_readable_on_any_ground(ground: int) -> None:
    plain = Image.new("RGB", (800, 600), (ground, ground, ground))
    found = np.asarray(watermarks.draw_watermark(plain, Watermark("@nova")).convert("L"), dtype=int)
    assert found.max() - found.min() >= 100, "text and outline contrast on any ground"
    assert plain.getextrema() == ((ground, ground),) * 3


@pytest.mark.parametrize("corner", WATERMARK_CORNERS)
@given(size=st.integers(2, 12), wide=st.integers(64, 700), high=st.integers(64, 700))
def test_watermark_stays_in_its_corner_inside_the_picture(
    corner: str, size: int, wide: int, high: int
) -> None:
    plain = Image.new("RGB", (wide, high), (128, 128, 128))
    found = np.asarray(
        watermarks.draw_watermark(plain, Watermark("@nova.daily", corner, size)), dtype=int
    )
    rows, columns = np.nonzero(abs(found - 128).max(axis=2) > 30)
    assert len(rows), "the watermark is visible"
    assert (rows.mean() > high / 2) is np.bool_(corner.startswith("bottom")) or high < 80
    inside = columns.min() > 0 if corner.endswith("left") else columns.max() < wide - 1
    assert inside


def test_lower_opacity_changes_less() -> None:
    scene, _ = draw_scene("beach at sunset, summer", 7, 640, 480)
    plain = np.asarray(scene, dtype=int)
    marks = [Watermark("@nova", opacity=share) for share in (20, 60, 100)]
    sums = [
        abs(np.asarray(watermarks.draw_watermark(scene, mark), dtype=int) - plain).sum()
        for mark in marks
    ]
    assert sums == sorted(sums)
    assert sums[0] > 0


@pytest.mark.parametrize(
    "bad",
    [
        {"text": ""},
        {"text": " "},
        {"text": "x" * 41},
        {"text": "a\nb"},
        {"text": "a\u202eb"},
        {"text": "a", "corner": "x"},
        {"text": "a", "size": 1},
        {"text": "a", "size": 90},
        {"text": "a", "opacity": 5},
        {"text": "a", "opacity": 101},
    ],
)
def test_invalid_watermark_is_refused(bad: dict[str, str | int]) -> None:
    with pytest.raises(BadInput):
        Watermark(**bad)  # type: ignore[arg-type]  # as a hostile queue or form would
