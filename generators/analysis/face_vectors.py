"""Comparison of face vectors: finds the known faces that a face resembles, and by how much. Pure;
vectors have length 1.

Most models give a face and its mirror image different vectors. Both are stored for a known face, so
that mirrored copies are found.
"""

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from generators.analysis.picture_views import whole_view
from generators.contract.classifier import DetectedFace, DetectedFaces, PictureView
from generators.media.pictures import DecodedPhoto

K = TypeVar("K")

SURE = 50
"""Minimum confidence in percent for a face to be stored; a less certain face is still compared."""

MIRROR = "mirror"
HALF = 2
"""Size of a stored number in bytes: 16-bit floats change cosines by less than a thousandth."""

ROWS = 8192


@dataclass(frozen=True)
class FaceVectors:
    """The stored vectors of a person: consecutive 16-bit floats, `width` numbers per vector."""

    width: int
    halves: bytes = field(repr=False)


def portrait_views(photo: DecodedPhoto) -> tuple[PictureView, ...]:
    """Return the two views from which a face is stored: the whole picture and its mirror image."""
    straight = whole_view(photo)
    buffer = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(straight.data))).save(
        buffer, "JPEG", quality=95, subsampling=0
    )
    return straight, PictureView(MIRROR, straight.mime, buffer.getvalue())


def single_face_vectors(faces: DetectedFaces) -> tuple[bytes, ...]:
    """Return the vectors of the only face in a portrait, original and mirrored; empty if there is
    not exactly one."""
    sides = [
        [face for face in faces.found if (face.view == MIRROR) is mirrored]
        for mirrored in (False, True)
    ]
    if any(len(side) != 1 or side[0].sure < SURE for side in sides):
        return ()
    return tuple(side[0].vector for side in sides)


def find_resemblances(
    found: Sequence[DetectedFace], known: Mapping[K, FaceVectors], *, alike: int
) -> dict[K, int]:
    """Return the known faces that these faces resemble by at least `alike` percent, each with its
    highest cosine in thousandths.

    `known` contains vectors of the same model. Vectors whose width differs from `found` are
    ignored.
    """
    width = vector_width(found)
    fit = {
        key: vectors for key, vectors in known.items() if vectors.width == width and vectors.halves
    }
    if not fit:
        return {}
    here = np.frombuffer(b"".join(face.vector for face in found), dtype="<f4").reshape(
        len(found), width
    )
    there = np.frombuffer(b"".join(one.halves for one in fit.values()), dtype="<f2").reshape(
        -1, width
    )
    best = np.concatenate(
        [(part.astype("<f4") @ here.T).max(axis=1) for part in _iter_chunks(there)]
    )
    firsts = np.cumsum([0, *(len(one.halves) // (HALF * width) for one in fit.values())][:-1])
    scores = np.maximum.reduceat(best, firsts)
    near = zip(fit, scores, strict=True)
    return {
        key: min(1000, round(float(score) * 1000)) for key, score in near if score >= alike / 100
    }


def _iter_chunks(rows: NDArray[np.float16]) -> Iterator[NDArray[np.float16]]:
    """Yield the rows in chunks, because converting all rows to 32-bit floats at once would double
    the memory."""
    yield from (rows[first : first + ROWS] for first in range(0, len(rows), ROWS))


def vector_width(found: Sequence[DetectedFace]) -> int:
    """Return the dimension of these faces' vectors, or 0 without faces."""
    return len(found[0].vector) // 4 if found else 0


def pack_vectors(owner: str, model: str, vectors: Sequence[bytes]) -> str:
    """Return vectors as text for encryption, bound to their owner and their model."""
    halves = np.frombuffer(b"".join(vectors), dtype="<f4").astype("<f2").tobytes()
    return f"{owner} {model} {len(vectors[0]) // 4} {base64.b64encode(halves).decode()}"


def unpack_vectors(owner: str, model: str, text: str) -> FaceVectors:
    """Return the vectors packed by `pack_vectors`. Raises ValueError for another owner or model."""
    whose, of, width, halves = text.split(" ")
    if (whose, of) != (owner, model):
        raise ValueError("not theirs")
    return FaceVectors(int(width), base64.b64decode(halves))


def nearest_faces(
    found: Sequence[DetectedFace], known: Sequence[Sequence[DetectedFace]]
) -> int | None:
    """Return how closely this picture's faces match those of the other pictures: the mean over the
    pictures of the best match in each, as a cosine in percent.

    Return None if this picture, or all others, have no faces.
    """
    width = vector_width(found)
    others = [one for one in known if one and vector_width(one) == width]
    if not width or not others:
        return None
    here = np.frombuffer(b"".join(face.vector for face in found), dtype="<f4").reshape(-1, width)
    best = [
        float(
            (
                np.frombuffer(b"".join(face.vector for face in one), dtype="<f4").reshape(-1, width)
                @ here.T
            ).max()
        )
        for one in others
    ]
    return min(100, max(0, round(100 * sum(best) / len(best))))
