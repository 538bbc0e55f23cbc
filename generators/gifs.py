"""GIF pictures from their blocks: one still frame, or refused. Pure.

Source: Graphics Interchange Format, version 89a. Nothing may follow the trailer, and comments are left behind.
"""

import struct

from foundation.errors import BadInput

MARKS = (b"GIF87a", b"GIF89a")


def inspect(data: bytes, *, name: str) -> tuple[int, int]:
    """Width and height in pixels. Raises BadInput (generators/containers.py); IndexError, struct.error when cut."""
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    at, frames = 13 + _table(packed), 0
    while data[at] != 0x3B:
        if data[at] == 0x21:
            at = _past(data, at + 2)
        elif data[at] == 0x2C:
            frames += 1
            left, top, wide, high, packed = struct.unpack_from("<HHHHB", data, at + 1)
            if left + wide > width or top + high > height:
                raise BadInput("photo.corrupt", file=name)
            at = _past(data, at + 11 + _table(packed))
        else:
            raise BadInput("photo.corrupt", file=name)
    if at + 1 != len(data):
        raise BadInput("photo.trailing", file=name)
    if frames != 1:
        raise BadInput("photo.animated" if frames else "photo.corrupt", file=name)
    return width, height


def _table(packed: int) -> int:
    """Bytes of the colours a block brings along."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _past(data: bytes, at: int) -> int:
    """Where the next block stands, past the parts of this one."""
    while data[at]:
        at += 1 + data[at]
    return at + 1
