"""Small pictures for pages, made from stored renditions: quick, bare, and unrecognisable where
asked."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from foundation.errors import Unavailable

_COARSE = 12
"""Pixels left along the longer edge of a blurred picture: colours and nothing else."""


THUMBNAIL_SIZES = (1600, 960, 640, 320, 160)
"""Pixels of the longer edge of the thumbnails kept with a picture; those it is no larger than are
not made."""

THUMBNAIL_MIME = "image/webp"
_QUALITY = 80
_EFFORT = 2
"""Of WebP; effort 2 of 6 takes half of the time of 4 for a twentieth more bytes (measured)."""


@dataclass(frozen=True)
class Thumbnail:
    """One of the ladder; `profile` is what it is kept as."""

    profile: str
    data: bytes = field(repr=False)
    width: int
    height: int


def thumbnail_profile(edge: int) -> str:
    """What a thumbnail of so many pixels is kept as."""
    return f"thumb-{edge}"


def make_thumbnails(image: Image.Image, *, mark: str) -> Iterator[Thumbnail]:
    """The thumbnails of an RGB picture, the largest first, each from the one before; never
    enlarged.

    `mark` names the picture: no two of them share these bytes, however alike they look.
    """
    wide, high = image.size
    for edge in THUMBNAIL_SIZES:
        if max(wide, high) > edge:
            share = edge / max(wide, high)
            size = max(1, round(wide * share)), max(1, round(high * share))
            image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
            buffer = io.BytesIO()
            image.save(
                buffer, "WEBP", quality=_QUALITY, method=_EFFORT, xmp=f"{mark}.{edge}".encode()
            )
            yield Thumbnail(thumbnail_profile(edge), buffer.getvalue(), *size)


def make_thumbnail(data: bytes, *, edge: int, blurred: bool = False) -> bytes:
    """A JPEG of a stored picture, its longer edge at most `edge` pixels; blurred, nothing in it can
    be made out.

    A blur is thrown away detail, not a filter: no sharpening brings anything back. Raises
    Unavailable for bytes that are no picture of ours.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
        image.draft(
            "RGB", (_COARSE, _COARSE) if blurred else (edge, edge)
        )  # JPEG alone: decodes at a fraction
        small = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unavailable("storage.damaged", sha256="?") from error
    if blurred:
        small.thumbnail((_COARSE, _COARSE), Image.Resampling.BOX)
        share = min(edge, 320) / max(small.size)
        small = small.resize(
            (max(1, round(small.width * share)), max(1, round(small.height * share))),
            Image.Resampling.BICUBIC,
        )
    else:
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80, exif=b"")
    return buffer.getvalue()
