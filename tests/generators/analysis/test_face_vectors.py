"""Face vectors: resemblance search, storage format, and the vectors of a portrait."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from generators.analysis import face_vectors
from generators.analysis.face_vectors import MIRROR, FaceVectors
from generators.contract.classifier import DetectedFace, DetectedFaces

MODEL = "arc@3"
OWNER = "somebody"


def vector(seed: int, width: int = 128) -> bytes:
    found = np.random.default_rng(seed).normal(size=width)
    return bytes((found / np.linalg.norm(found)).astype("<f4").tobytes())


def told(*vectors: bytes, view: str = "whole.white", sure: int = 90) -> tuple[DetectedFace, ...]:
    return tuple(DetectedFace(view, each, 50, sure) for each in vectors)


def kept(*vectors: bytes) -> FaceVectors:
    return face_vectors.unpack_vectors(
        OWNER, MODEL, face_vectors.pack_vectors(OWNER, MODEL, vectors)
    )


def test_nearest_pair_decides_resemblance() -> None:
    known = {"a": kept(vector(1), vector(2)), "b": kept(vector(3)), "c": kept(vector(4))}
    found = face_vectors.find_resemblances(told(vector(9), vector(2), vector(4)), known, alike=40)
    assert found == {"a": 1000, "c": 1000}


def test_no_face_or_no_known_face_gives_no_resemblance() -> None:
    assert face_vectors.find_resemblances((), {"a": kept(vector(1))}, alike=1) == {}
    assert face_vectors.find_resemblances(told(vector(1)), {}, alike=1) == {}


def test_vectors_of_another_width_are_ignored() -> None:
    known = {"wide": kept(vector(1, 256)), "same": kept(vector(1)), "empty": FaceVectors(0, b"")}
    assert set(face_vectors.find_resemblances(told(vector(1)), known, alike=40)) == {"same"}


@given(st.floats(min_value=0, max_value=1), st.integers(min_value=1, max_value=99))
def test_threshold_is_a_cosine_in_percent(cosine: float, alike: int) -> None:
    one, other = np.eye(128)[:2]
    seen = (cosine * one + (1 - cosine**2) ** 0.5 * other).astype("<f4").tobytes()
    found = face_vectors.find_resemblances(
        told(bytes(seen)), {"a": kept(one.astype("<f4").tobytes())}, alike=alike
    )
    if abs(cosine - alike / 100) > 0.001:
        assert bool(found) == (cosine > alike / 100)


def test_large_sets_are_compared_in_chunks_without_loss() -> None:
    count = face_vectors.ROWS // 2 + 7
    known = {number: kept(vector(number), vector(number + count)) for number in range(count)}
    last = count - 1
    assert face_vectors.find_resemblances(told(vector(last + count)), known, alike=60) == {
        last: 1000
    }


def test_stored_vectors_are_bound_to_owner_and_model() -> None:
    text = face_vectors.pack_vectors(OWNER, MODEL, [vector(1)])
    for owner, model in ((OWNER, "arc@4"), ("another", MODEL)):
        with pytest.raises(ValueError, match="not theirs"):
            face_vectors.unpack_vectors(owner, model, text)
    for broken in ("", text.rpartition(" ")[0], "a b c"):
        with pytest.raises(ValueError):  # noqa: PT011  any ValueError
            face_vectors.unpack_vectors(OWNER, MODEL, broken)


def test_portrait_needs_one_face_straight_and_mirrored() -> None:
    straight, mirrored = told(vector(1)), told(vector(2), view=MIRROR)
    assert face_vectors.single_face_vectors(DetectedFaces(MODEL, (*straight, *mirrored))) == (
        vector(1),
        vector(2),
    )
    for wrong in (
        (),
        straight,
        (*straight, *straight, *mirrored),
        (*told(vector(1), sure=49), *mirrored),
    ):
        assert face_vectors.single_face_vectors(DetectedFaces(MODEL, wrong)) == ()
