"""Small pictures for pages, made from stored renditions: quick, bare, and unrecognisable where asked."""

import io

from PIL import Image

from foundation.errors import Unavailable

_COARSE = 12
"""Pixels left along the longer edge of a blurred picture: colours and nothing else."""


def thumb(data: bytes, *, edge: int, blurred: bool = False) -> bytes:
    """A JPEG of a stored picture, its longer edge at most `edge` pixels; blurred, nothing in it can be made out.

    A blur is thrown away detail, not a filter: no sharpening brings anything back. Raises Unavailable for bytes that
    are no picture of ours.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP"))
        image.draft("RGB", (_COARSE, _COARSE) if blurred else (edge, edge))  # JPEG alone: decodes at a fraction
        small = image.convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise Unavailable("storage.damaged", sha256="?") from error
    if blurred:
        small.thumbnail((_COARSE, _COARSE), Image.Resampling.BOX)
        share = min(edge, 320) / max(small.size)
        small = small.resize(
            (max(1, round(small.width * share)), max(1, round(small.height * share))), Image.Resampling.BICUBIC
        )
    else:
        small.thumbnail((edge, edge), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=80, exif=b"")
    return buffer.getvalue()
