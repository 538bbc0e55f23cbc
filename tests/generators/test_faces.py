"""Faces as numbers: who resembles whom, how they are kept, and what is learned from a portrait."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators import faces
from generators.classifying import Face, Faces
from generators.faces import MIRROR, Vectors

MODEL = "arc@3"
OWNER = "somebody"


def vector(seed: int, width: int = 128) -> bytes:
    found = np.random.default_rng(seed).normal(size=width)
    return bytes((found / np.linalg.norm(found)).astype("<f4").tobytes())


def told(*vectors: bytes, view: str = "whole.white", sure: int = 90) -> tuple[Face, ...]:
    return tuple(Face(view, each, 50, sure) for each in vectors)


def kept(*vectors: bytes) -> Vectors:
    return faces.unpacked(OWNER, MODEL, faces.packed(OWNER, MODEL, vectors))


def test_the_nearest_of_all_pairs_counts() -> None:
    known = {"a": kept(vector(1), vector(2)), "b": kept(vector(3)), "c": kept(vector(4))}
    found = faces.resembling(told(vector(9), vector(2), vector(4)), known, alike=40)
    assert found == {"a": 1000, "c": 1000}


def test_nobody_resembles_nobody() -> None:
    assert faces.resembling((), {"a": kept(vector(1))}, alike=1) == {}
    assert faces.resembling(told(vector(1)), {}, alike=1) == {}


def test_vectors_of_another_width_are_left_out() -> None:
    known = {"wide": kept(vector(1, 256)), "same": kept(vector(1)), "empty": Vectors(0, b"")}
    assert set(faces.resembling(told(vector(1)), known, alike=40)) == {"same"}


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=99))
def test_the_threshold_is_a_cosine_in_percent(cosine: float, alike: int) -> None:
    one, other = np.eye(128)[:2]
    seen = (cosine * one + (1 - cosine**2) ** 0.5 * other).astype("<f4").tobytes()
    found = faces.resembling(told(bytes(seen)), {"a": kept(one.astype("<f4").tobytes())}, alike=alike)
    if abs(cosine - alike / 100) > 0.001:
        assert bool(found) == (cosine > alike / 100)


def test_many_are_compared_in_parts_and_none_is_lost() -> None:
    count = faces.ROWS // 2 + 7
    known = {number: kept(vector(number), vector(number + count)) for number in range(count)}
    last = count - 1
    assert faces.resembling(told(vector(last + count)), known, alike=60) == {last: 1000}


def test_what_is_kept_is_bound_to_whose_it_is_and_to_the_model() -> None:
    text = faces.packed(OWNER, MODEL, [vector(1)])
    for owner, model in ((OWNER, "arc@4"), ("another", MODEL)):
        with pytest.raises(ValueError, match="not theirs"):
            faces.unpacked(owner, model, text)
    for broken in ("", text.rpartition(" ")[0], "a b c"):
        with pytest.raises(ValueError):  # noqa: PT011  whichever: it is none
            faces.unpacked(OWNER, MODEL, broken)


def test_a_portrait_shows_one_face_straight_and_mirrored() -> None:
    straight, mirrored = told(vector(1)), told(vector(2), view=MIRROR)
    assert faces.alone(Faces(MODEL, (*straight, *mirrored))) == (vector(1), vector(2))
    for wrong in ((), straight, (*straight, *straight, *mirrored), (*told(vector(1), sure=49), *mirrored)):
        assert faces.alone(Faces(MODEL, wrong)) == ()
