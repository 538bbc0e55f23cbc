"""Pictures as they are handed to engines of others: pixels alone, upright, no larger than needed,
no name that tells.

Whatever was in the file beside them (where, when, by which device or program) stays here.
"""

import io
from base64 import b64encode
from dataclasses import dataclass, field

from generators.contract.engines import EngineMissing
from generators.media import pictures
from generators.media.pictures import RenditionProfile

EDGE = 1536
"""Pixels of the longer edge: these models make about a megapixel, and more would leave the house
for nothing."""

MIN_EDGE = 64
MAX_BYTES = 4 * 1024 * 1024
"""Of a picture in a form. Stability takes requests of 10 MiB."""

MAX_ASPECT = 2.5
"""Against its width a picture may be so high, or so wide against its height (Stability)."""

INLINE_BYTES = 256 * 1024
"""Of all pictures inside one request to Replicate, which advises to put no larger ones there. They
stand in its list of orders, which is read after a lost answer: a hundred of them must be read in
one go. https://replicate.com/docs/topics/predictions/input-files"""


@dataclass(frozen=True)
class OutgoingPicture:
    """A JPEG of a picture, and its size in pixels."""

    data: bytes = field(repr=False)
    size: tuple[int, int]


def prepare_picture(
    data: bytes, *, engine: str, most: int = MAX_BYTES, slimmest: float = 0
) -> OutgoingPicture:
    """A picture as a JPEG of at most so many bytes; `slimmest` is how long it may be against its
    shorter edge, 0: any.

    Raises EngineMissing for what is too small or too slim, BadInput for what is no picture.
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
    """A PNG of a size that says what is made anew: white for all of it, grey for a part of so much;
    the other way round where a model wants it `black`. Raises BadInput for what is no picture."""
    grey = pictures.decode_photo(data, name="mask").pixels.convert("L").resize(size)
    levels = [round(each * strength) for each in range(256)]
    buffer = io.BytesIO()
    grey.point([255 - each for each in levels] if black else levels).save(buffer, "PNG")
    return buffer.getvalue()


def data_uri(data: bytes, mime: str) -> str:
    """Bytes as an address that holds them: nothing is laid down there that would have to be
    erased."""
    return f"data:{mime};base64,{b64encode(data).decode()}"
