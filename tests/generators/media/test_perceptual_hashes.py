"""Perceptual hashes of pictures that were mirrored, rotated or inverted and re-encoded."""

import io
from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from generators.contract.engines import ImageJob
from generators.engines.images.demo_scenes import DemoSceneEngine
from generators.media import perceptual_hashes
from tests.generators.builders import photographs

T = Image.Transpose
TURNS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "mirrored": ImageOps.mirror,
    "upside down": ImageOps.flip,
    "half": lambda image: image.transpose(T.ROTATE_180),
    "left": lambda image: image.transpose(T.ROTATE_90),
    "right": lambda image: image.transpose(T.ROTATE_270),
    "transposed": lambda image: image.transpose(T.TRANSPOSE),
    "transversed": lambda image: image.transpose(T.TRANSVERSE),
    "negative": ImageOps.invert,
    "mirrored negative": lambda image: ImageOps.invert(ImageOps.mirror(image)),
}
PROMPTS = (
    "beach in summer",
    "café in the morning",
    "forest at sunset",
    "town at night",
    "room in the evening",
)


def drawn(seed: int) -> Image.Image:
    job = ImageJob(PROMPTS[seed % len(PROMPTS)], seed, width=320, height=240)
    return Image.open(io.BytesIO(DemoSceneEngine().draw(job).data)).convert("RGB")


def anew(image: Image.Image, *, quality: int, percent: int) -> Image.Image:
    small = image.resize((image.width * percent // 100, image.height * percent // 100))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


@settings(deadline=None, max_examples=10)
@given(
    seed=st.integers(1, 10_000),
    turn=st.sampled_from(sorted(TURNS)),
    quality=st.integers(50, 95),
    percent=st.integers(60, 100),
)
def test_transformed_copy_matches_its_original(
    seed: int, turn: str, quality: int, percent: int
) -> None:
    original = drawn(seed)
    copy = anew(TURNS[turn](original), quality=quality, percent=percent)
    assert (
        min(
            perceptual_hashes.hamming_distance(one, perceptual_hashes.phash(copy))
            for one in perceptual_hashes.transformed_hashes(original)
        )
        <= perceptual_hashes.SAME_DISTANCE
    )
    assert (
        min(
            perceptual_hashes.hamming_distance(one, perceptual_hashes.phash(original))
            for one in perceptual_hashes.transformed_hashes(copy)
        )
        <= perceptual_hashes.SAME_DISTANCE
    )


@pytest.mark.parametrize("turn", sorted(TURNS))
def test_photographs_match_in_every_transformation(turn: str) -> None:
    for path in photographs():
        original = Image.open(path).convert("RGB")
        copy = anew(TURNS[turn](original), quality=60, percent=90)
        assert (
            min(
                perceptual_hashes.hamming_distance(one, perceptual_hashes.phash(copy))
                for one in perceptual_hashes.transformed_hashes(original)
            )
            <= perceptual_hashes.SAME_DISTANCE
        )


def test_different_pictures_rarely_match_as_transformed() -> None:
    """One pair in a hundred at most: of 946 pairs, two matched as transformed, and two as upright
    copies."""
    pictures = [
        *map(drawn, range(1, 11)),
        *(Image.open(path).convert("RGB") for path in photographs()),
    ]
    own, turned = (
        [perceptual_hashes.phash(one) for one in pictures],
        [perceptual_hashes.transformed_hashes(one) for one in pictures],
    )
    same = [
        (a, b)
        for a, b in combinations(range(len(pictures)), 2)
        if min(perceptual_hashes.hamming_distance(one, own[b]) for one in turned[a])
        <= perceptual_hashes.SAME_DISTANCE
    ]
    assert len(same) <= 1, same


def test_transformed_hashes_exclude_the_picture_itself() -> None:
    assert len(set(perceptual_hashes.transformed_hashes(drawn(3)))) == 15
    assert perceptual_hashes.phash(drawn(3)) not in perceptual_hashes.transformed_hashes(drawn(3))
