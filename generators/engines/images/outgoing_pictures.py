"""Preparation of pictures sent to third-party engines: only pixels, upright, no larger than needed,
under neutral names.

Metadata such as place, time, device and software is not sent.
"""

import io
from base64 import b64encode
from dataclasses import dataclass, field

from generators.contract.engines import EngineMissing
from generators.media import pictures
from generators.media.pictures import RenditionProfile

EDGE = 1536
"""Length in pixels of the longer edge. The engines work at about one megapixel, so larger pictures
would bring no benefit."""

MIN_EDGE = 64
MAX_BYTES = 4 * 1024 * 1024
"""Maximum size of a picture in a form. Stability accepts requests of 10 MiB."""

MAX_ASPECT = 2.5
"""Maximum ratio of the longer edge to the shorter one (Stability)."""

INLINE_BYTES = 256 * 1024
"""Maximum size of all pictures in one request to Replicate, which recommends this limit for inline
files.

The pictures also appear in its list of predictions, which is read after a lost response; a page of
a hundred predictions must remain readable.
https://replicate.com/docs/topics/predictions/input-files
"""


@dataclass(frozen=True)
class OutgoingPicture:
    """A JPEG of a picture, and its size in pixels."""

    data: bytes = field(repr=False)
    size: tuple[int, int]


def prepare_picture(
    data: bytes, *, engine: str, most: int = MAX_BYTES, slimmest: float = 0
) -> OutgoingPicture:
    """Return a picture as a JPEG of at most `most` bytes. `slimmest` is the maximum aspect ratio, 0
    for any.

    Raises EngineMissing if the picture is too small or too narrow, and BadInput if it is not a
    picture.
    """
    found = pictures.render_photo(
        pictures.decode_photo(data, name="reference"),
        RenditionProfile("posted", EDGE, "image/jpeg", 90, most),
    )
    short, long = sorted((found.width, found.height))
    if short < MIN_EDGE or (slimmest and long > slimmest * short):
        raise EngineMissing("engine.picture_unfit", engine=engine, least=MIN_EDGE)
    return OutgoingPicture(found.data, (found.width, found.height))


def prepare_mask(
    data: bytes, size: tuple[int, int], *, strength: float = 1.0, black: bool = False
) -> bytes:
    """Return a PNG mask in which white is repainted fully and grey partly, by `strength`; inverted
    for a model that repaints `black`. Raises BadInput if the input is not a picture."""
    grey = pictures.decode_photo(data, name="mask").pixels.convert("L").resize(size)
    levels = [round(each * strength) for each in range(256)]
    buffer = io.BytesIO()
    grey.point([255 - each for each in levels] if black else levels).save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(data: bytes, mime: str) -> str:
    """Return bytes as a data URI. Nothing is uploaded, so no file has to be deleted later."""
    return f"data:{mime};base64,{b64encode(data).decode()}"
