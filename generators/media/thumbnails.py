"""Thumbnails for pages, made from stored renditions, without metadata, and blurred beyond
recognition on request."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image

from foundation.errors import Unavailable

_COARSE = 12
"""Length in pixels of the longer edge to which a blurred thumbnail is reduced before it is
enlarged; only colours remain."""


THUMBNAIL_SIZES = (1600, 960, 640, 320, 160)
"""Longer edges in pixels of the stored thumbnails. Sizes that are not smaller than the picture are
skipped."""

THUMBNAIL_MIME = "image/webp"
_QUALITY = 80
_EFFORT = 2
"""WebP effort: level 2 of 6 takes half the time of level 4 for five percent more bytes (measured).
"""


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail; `profile` is the name under which it is stored."""

    profile: str
    data: bytes = field(repr=False)
    width: int
    height: int


def thumbnail_profile(edge: int) -> str:
    """Return the profile name of a thumbnail of this edge."""
    return f"thumb-{edge}"


def make_thumbnails(image: Image.Image, *, mark: str) -> Iterator[Thumbnail]:
    """Yield the thumbnails of an RGB picture, largest first, each made from the previous one; never
    enlarged.

    `mark` names the picture, so that similar pictures never share the same bytes.
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
    """Return a JPEG of a stored picture, with edges of at most `edge` pixels. A blurred thumbnail
    shows nothing recognizable.

    The blur discards detail, so it cannot be reversed. Raises Unavailable if the bytes are not a
    picture.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
        # JPEG only: decodes at a reduced size.
        image.draft("RGB", (_COARSE, _COARSE) if blurred else (edge, edge))
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
