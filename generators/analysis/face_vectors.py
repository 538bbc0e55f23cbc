"""Faces as numbers: which of many known ones a face resembles, and how much. Pure; vectors have
length 1.

A face and its mirror image are two to most models: whoever keeps a face keeps both, so that a
mirrored copy is found.
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
"""Percent: what a model holds for a face with less is none to keep; it is compared all the same."""

MIRROR = "mirror"
HALF = 2
"""Bytes of a number as it is kept: cosines change by less than a thousandth."""

ROWS = 8192


@dataclass(frozen=True)
class FaceVectors:
    """Somebody's vectors as they are kept: 16-bit floats, `width` in each, one after the other."""

    width: int
    halves: bytes = field(repr=False)


def portrait_views(photo: DecodedPhoto) -> tuple[PictureView, ...]:
    """The two views a face is kept from: the whole picture, and its mirror image."""
    straight = whole_view(photo)
    buffer = io.BytesIO()
    ImageOps.mirror(Image.open(io.BytesIO(straight.data))).save(
        buffer, "JPEG", quality=95, subsampling=0
    )
    return straight, PictureView(MIRROR, straight.mime, buffer.getvalue())


def single_face_vectors(faces: DetectedFaces) -> tuple[bytes, ...]:
    """The vectors of the one face of a portrait, straight and mirrored; none where there is not
    just one."""
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
    """Whom these faces resemble, with the highest cosine in thousandths; `alike` is from which
    percent on.

    `known` are the vectors of each, of the same model; those of another width than what was found
    are left out.
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
    """Some rows at a time: as wide floats all of them would take twice as much room."""
    yield from (rows[first : first + ROWS] for first in range(0, len(rows), ROWS))


def vector_width(found: Sequence[DetectedFace]) -> int:
    """How many numbers the vectors of these faces have; 0 where there are none."""
    return len(found[0].vector) // 4 if found else 0


def pack_vectors(owner: str, model: str, vectors: Sequence[bytes]) -> str:
    """Vectors as a text to be sealed, bound to whose they are and to the model they are of."""
    halves = np.frombuffer(b"".join(vectors), dtype="<f4").astype("<f2").tobytes()
    return f"{owner} {model} {len(vectors[0]) // 4} {base64.b64encode(halves).decode()}"


def unpack_vectors(owner: str, model: str, text: str) -> FaceVectors:
    """The vectors of `packed`. Raises ValueError for somebody else's, or another model's."""
    whose, of, width, halves = text.split(" ")
    if (whose, of) != (owner, model):
        raise ValueError("not theirs")
    return FaceVectors(int(width), base64.b64decode(halves))


def nearest_faces(
    found: Sequence[DetectedFace], known: Sequence[Sequence[DetectedFace]]
) -> int | None:
    """How near faces of a picture come to those of each other picture, the mean of the nearest of
    each, in percent of the cosine; None where there is no face, here or in any of them."""
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
