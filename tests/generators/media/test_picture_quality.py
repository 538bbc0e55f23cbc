"""Quality scores: high for well-made pictures, low for flat, dark, overexposed or grey ones."""

import pytest
from PIL import Image, ImageFilter

from generators.contract.engines import ImageJob
from generators.drawing.scene import draw_scene
from generators.media import picture_quality


@pytest.fixture(scope="module")
def scene() -> Image.Image:
    image, _ = draw_scene("beach at sunset, summer", 7, 640, 480)
    return image


def test_drawn_scene_scores_well(scene: Image.Image) -> None:
    assert 50 <= picture_quality.score_quality(scene) <= 100
    assert picture_quality.score_quality(scene) == picture_quality.score_quality(scene.copy())


@pytest.mark.parametrize("flat", ["black", "white", "#808080"])
def test_uniform_picture_scores_low(flat: str) -> None:
    assert picture_quality.score_quality(Image.new("RGB", (320, 240), flat)) <= 25


def test_blur_and_grey_lower_the_score(scene: Image.Image) -> None:
    assert picture_quality.score_quality(
        scene.filter(ImageFilter.GaussianBlur(12))
    ) < picture_quality.score_quality(scene)
    assert picture_quality.score_quality(scene.convert("L")) < picture_quality.score_quality(scene)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (64, 64)])
def test_any_size_has_a_score(size: tuple[int, int]) -> None:
    assert 0 <= picture_quality.score_quality(Image.new("RGB", size, "red")) <= 100


def test_scores_are_comparable_across_sizes(scene: Image.Image) -> None:
    assert (
        abs(
            picture_quality.score_quality(scene)
            - picture_quality.score_quality(scene.resize((320, 240)))
        )
        <= 12
    )
    assert ImageJob("x", 1).width >= picture_quality.SCORE_EDGE
