"""The figure beside a picture: high for what is well made, low for what is flat, dark, burnt out or
grey."""

import pytest
from PIL import Image, ImageFilter

from generators.contract.engines import ImageJob
from generators.drawing.scene import draw_scene
from generators.media import picture_quality


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    image, _ = draw_scene("beach at sunset, summer", 7, 640, 480)
    return image


def test_drawn_scene_is_well_made(scene: Image.Image) -> None:
    assert 50 <= picture_quality.score_quality(scene) <= 100
    assert picture_quality.score_quality(scene) == picture_quality.score_quality(scene.copy())


@pytest.mark.parametrize("flat", ["black", "white", "#808080"])
def test_nothing_to_see_scores_low(flat: str) -> None:
    assert picture_quality.score_quality(Image.new("RGB", (320, 240), flat)) <= 25


def test_blurred_or_grey_is_worse(scene: Image.Image) -> None:
    assert picture_quality.score_quality(
        scene.filter(ImageFilter.GaussianBlur(12))
    ) < picture_quality.score_quality(scene)
    assert picture_quality.score_quality(scene.convert("L")) < picture_quality.score_quality(scene)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (64, 64)])
def test_any_size_has_a_figure(size: tuple[int, int]) -> None:
    assert 0 <= picture_quality.score_quality(Image.new("RGB", size, "red")) <= 100


def test_sizes_can_be_compared(scene: Image.Image) -> None:
    assert (
        abs(
            picture_quality.score_quality(scene)
            - picture_quality.score_quality(scene.resize((320, 240)))
        )
        <= 12
    )
    assert ImageJob("x", 1).width >= picture_quality.SCORE_EDGE
