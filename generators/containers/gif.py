"""GIF pictures from their blocks. Only a single still frame is accepted. Pure.

Source: Graphics Interchange Format, version 89a. Comments are ignored. A file that ends without its
trailer is complete, as for browsers.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from foundation.errors import BadInput
from generators.containers.camera_trailers import FileEnd

GIF_SIGNATURES = (b"GIF87a", b"GIF89a")
FRAME_BLOCK = 0x2C
CONTROL_BLOCK = 0xF9
COMMENT_BLOCK = 0xFE
TEXT_BLOCK = 0x01
APPLICATION_BLOCK = 0xFF

_TRAILER = 0x3B
_EXTENSION = 0x21
_MOST_BLOCKS = 100
_MOST_SAID = 10_000
_MOST_PIXELS = 1_000_000
"""Limits of a still picture: the blocks of the file, and the sub-blocks of an extension and of a
picture. A sub-block usually has 255 bytes."""


@dataclass(frozen=True)
class GifBlock:
    """A block between two offsets: `FRAME_BLOCK`, or the label of an extension. `body` is the
    offset of its first sub-block."""

    kind: int
    start: int
    body: int
    end: int


def iter_blocks(data: bytes, end: FileEnd) -> Iterator[GifBlock]:
    """Yield the blocks of a GIF and record where it ends.

    Raises struct.error or IndexError for a file that ends within a block, except after the last
    byte of a frame's data.
    """
    at = 13 + colour_table_size(data[10])
    while at < len(data) and data[at] != _TRAILER:
        start = at
        if data[at] == FRAME_BLOCK:
            kind = FRAME_BLOCK
            body = at + 11 + colour_table_size(data[at + 9])
        elif data[at] == _EXTENSION:
            kind = data[at + 1]
            body = at + 2
        else:
            raise struct.error("no block")
        at = skip_sub_blocks(data, body)
        if at > len(data):
            end.missing = b"\0"
            at = len(data)
        yield GifBlock(kind, start, body, at)
    end.offset = min(at + 1, len(data))
    end.missing += b"" if at < len(data) else bytes([_TRAILER])


def inspect_gif(data: bytes, *, name: str) -> tuple[int, int, FileEnd]:
    """Return width and height in pixels, and the end. Raises BadInput
    (generators/containers/still_images.py), or IndexError or struct.error for a truncated file."""
    width, height = struct.unpack_from("<HH", data, 6)
    end = FileEnd()
    frames = 0
    for number, block in enumerate(iter_blocks(data, end)):
        most = _MOST_PIXELS if block.kind == FRAME_BLOCK else _MOST_SAID
        if number >= _MOST_BLOCKS or count_sub_blocks(data, block, most) > most:
            raise BadInput("photo.corrupt", file=name)
        if block.kind != FRAME_BLOCK:
            continue
        frames += 1
        if frames > 1:
            raise BadInput("photo.animated", file=name)
        left, top, wide, high = struct.unpack_from("<HHHH", data, block.start + 1)
        if left + wide > width or top + high > height:
            raise BadInput("photo.corrupt", file=name)
    if frames != 1:
        raise BadInput("photo.corrupt", file=name)
    return width, height, end


def iter_sub_blocks(data: bytes, block: GifBlock) -> Iterator[bytes]:
    """Yield the contents of a block's sub-blocks."""
    at = block.body
    while at < block.end and data[at]:
        yield data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]


def count_sub_blocks(data: bytes, block: GifBlock, most: int) -> int:
    """Return the number of a block's sub-blocks, counted up to one more than `most`."""
    count = 0
    for _ in iter_sub_blocks(data, block):
        count += 1
        if count > most:
            break
    return count


def colour_table_size(packed: int) -> int:
    """Return the size in bytes of a block's colour table."""
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def skip_sub_blocks(data: bytes, at: int) -> int:
    """Return the offset after the sub-blocks at `at`, one byte after the file's end if only their
    terminator is missing. Raises IndexError if more is missing."""
    first = at
    while at != len(data) or at == first:
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    return at + 1
