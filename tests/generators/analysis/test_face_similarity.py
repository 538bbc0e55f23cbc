"""Picture similarity: 100 for identical pictures, symmetric, independent of size, and lower for
others."""

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from generators.analysis import face_similarity
from tests.generators.builders import a_picture

SEEDS = st.integers(0, 40)


@settings(max_examples=40, deadline=None)
@given(one=SEEDS, other=SEEDS)
def test_similarity_is_a_symmetric_percentage(one: int, other: int) -> None:
    a, b = a_picture(96, 64, seed=one), a_picture(80, 80, seed=other)
    assert 0 <= face_similarity.similarity_percent(a, [b]) <= 100
    assert face_similarity.similarity_percent(a, [b]) == face_similarity.similarity_percent(b, [a])
    assert face_similarity.similarity_percent(a, [a]) == 100


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_similarity_survives_scaling_but_not_inversion(seed: int) -> None:
    whole = a_picture(256, 256, seed=seed)
    small = whole.resize((96, 96), Image.Resampling.BOX)
    assert face_similarity.similarity_percent(whole, [small]) >= 80
    assert face_similarity.similarity_percent(
        whole, [ImageOps.invert(whole.convert("RGB"))]
    ) < face_similarity.similarity_percent(whole, [small])


def test_several_references_are_averaged_and_flat_pictures_are_accepted() -> None:
    red, blue = (Image.new("RGB", (8, 8), colour) for colour in ("red", "blue"))
    assert face_similarity.similarity_percent(red, [red, blue]) == 75
    assert face_similarity.similarity_percent(red, [blue]) == 50, (
        "neither picture has edges, and they share no colour"
    )
