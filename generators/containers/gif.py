"""GIF pictures from their blocks. Only a single still frame is accepted. Pure.

Source: Graphics Interchange Format, version 89a. Data after the trailer is refused, and comments
are ignored.
"""

import struct

from foundation.errors import BadInput
from generators.containers import camera_trailers

GIF_SIGNATURES = (b"GIF87a", b"GIF89a")

_MOST_BLOCKS = 100
_MOST_SAID = 10_000
_MOST_PIXELS = 1_000_000
"""Limits: the blocks of a file, and the sub-blocks of an extension and of a picture. A sub-block
usually has 255 bytes."""


def inspect_gif(data: bytes, *, name: str) -> tuple[int, int]:
    """Return width and height in pixels. Raises BadInput (generators/containers/still_images.py),
    or IndexError or struct.error for a truncated file."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at = 13 + _colour_table_size(packed)
    frames = 0
    for _ in range(_MOST_BLOCKS):
        if data[at] == 0x3B:
            break
        if data[at] == 0x21:
            at = _skip_sub_blocks(data, at + 2, _MOST_SAID)
        elif data[at] == 0x2C:
            frames += 1
            if frames > 1:
                raise BadInput("photo.animated", file=name)
            left, top, wide, high, packed = struct.unpack_from("<HHHHB", data, at + 1)
            if left + wide > width or top + high > height:
                raise BadInput("photo.corrupt", file=name)
            at = _skip_sub_blocks(data, at + 11 + _colour_table_size(packed), _MOST_PIXELS)
        else:
            raise BadInput("photo.corrupt", file=name)
    else:
        raise BadInput("photo.corrupt", file=name)
    if not camera_trailers.is_padding(data, at + 1):
        raise BadInput("photo.trailing", file=name)
    if frames != 1:
        raise BadInput("photo.corrupt", file=name)
    return width, height


def _colour_table_size(packed: int) -> int:
    """Return the size in bytes of a block's colour table."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int, most: int) -> int:
    """Return the offset of the next block. Raises IndexError for more than `most` sub-blocks."""
    for _ in range(most):
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    raise IndexError
