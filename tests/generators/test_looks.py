"""The figure beside a picture: high for what is well made, low for what is flat, dark, burnt out or grey."""

import pytest
from PIL import Image, ImageFilter

from generators import looks
from generators.contract import ImageJob
from generators.drawing.scene import draw_scene


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    image, _ = draw_scene("beach at sunset, summer", 7, 640, 480)
    return image


def test_drawn_scene_is_well_made(scene: Image.Image) -> None:
    assert 50 <= looks.score(scene) <= 100
    assert looks.score(scene) == looks.score(scene.copy())


@pytest.mark.parametrize("flat", ["black", "white", "#808080"])
def test_nothing_to_see_scores_low(flat: str) -> None:
    assert looks.score(Image.new("RGB", (320, 240), flat)) <= 25


def test_blurred_or_grey_is_worse(scene: Image.Image) -> None:
    assert looks.score(scene.filter(ImageFilter.GaussianBlur(12))) < looks.score(scene)
    assert looks.score(scene.convert("L")) < looks.score(scene)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (64, 64)])
def test_any_size_has_a_figure(size: tuple[int, int]) -> None:
    assert 0 <= looks.score(Image.new("RGB", size, "red")) <= 100


def test_sizes_can_be_compared(scene: Image.Image) -> None:
    assert abs(looks.score(scene) - looks.score(scene.resize((320, 240)))) <= 12
    assert ImageJob("x", 1).width >= looks.EDGE
