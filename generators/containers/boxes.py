"""Boxes of MP4, MOV, HEIF and AVIF files: sibling boxes, and the top level of a file. Pure.

Source: ISO/IEC 14496-12 §4.2: a reader ignores boxes of unknown types. Vendors add such boxes, and
data after the last box. Neither reaches a decoder: unknown boxes become free space, and the rest is
cut off. A file of another program in them is refused.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from generators.containers import camera_trailers

MAX_BOXES = 100_000
"""Maximum number of sibling boxes, the same limit as for the parts of other containers."""

_PIXEL_BOXES = (b"ftyp", b"moov", b"moof", b"meta", b"mdat")
_PRINTABLE = frozenset(range(0x20, 0x7F)) | {0xA9}


class HiddenFile(Exception):
    """A file of another program is in an unknown box, or after the last box."""


@dataclass(frozen=True)
class Box:
    """A box: its type, and the offsets of its start, its content and its end."""

    kind: bytes
    start: int
    body: int
    end: int


@dataclass
class TopLevel:
    """The known boxes of a file, and the file without anything else."""

    boxes: list[Box] = field(default_factory=list)
    own: bytes = field(default=b"", repr=False)


def iter_boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """Yield sibling boxes up to the last byte or to zero padding. Raises struct.error for a box
    that does not fit, and for more than `MAX_BOXES`."""
    at = start
    last = len(data) if end is None else end
    for _ in range(MAX_BOXES):
        if at >= last or is_zero_padding(data, at, last):
            return
        box = read_box(data, at, last)
        yield box
        at = box.end
    raise struct.error("boxes without end")


def read_box(data: bytes, at: int, end: int) -> Box:
    """Return the box at `at`, which ends at `end` at the latest. Raises struct.error otherwise."""
    size, kind = struct.unpack_from(">I4s", data, at)
    body = at + 8
    if size == 1:
        (size,) = struct.unpack_from(">Q", data, body)
        body += 8
    elif size == 0:  # to the end of the file
        size = end - at
    if size < body - at or at + size > end:
        raise struct.error("a box that does not fit")
    return Box(kind, at, body, at + size)


def is_zero_padding(data: bytes, at: int, end: int) -> bool:
    """Return True if only zeros follow."""
    return data[at : min(at + 8, end)] == bytes(min(8, end - at)) and not data[at:end].strip(b"\0")


def read_top_level(
    data: bytes, known: frozenset[bytes], *, needed: frozenset[bytes], limit: int
) -> TopLevel:
    """Return the boxes of a file. After those that are `needed`, data that is no box is its end.

    Raises HiddenFile, and struct.error for a damaged file and for more than `limit` boxes.
    """
    found = TopLevel()
    foreign = list[Box]()
    missing = set(needed)
    at = 0
    while at < len(data) and not is_zero_padding(data, at, len(data)):
        if not missing and not _is_box(data, at):
            break
        box = read_box(data, at, len(data))
        if len(found.boxes) + len(foreign) >= limit:
            raise struct.error("boxes without end")
        if box.kind in known:
            found.boxes.append(box)
            missing.discard(box.kind)
        elif not _PRINTABLE.issuperset(box.kind):
            raise struct.error("no box")
        else:
            foreign.append(box)
        at = box.end
    _refuse_hidden_files(data, foreign, at)
    found.own = _free_boxes(data[:at], foreign)
    return found


def _is_box(data: bytes, at: int) -> bool:
    """Return True if a box starts here. One with pixels that does not fit counts, because a file
    without them is truncated."""
    kind = data[at + 4 : at + 8]
    if kind in _PIXEL_BOXES:
        return True
    try:
        read_box(data, at, len(data))
    except struct.error:
        return False
    return len(kind) == 4 and _PRINTABLE.issuperset(kind)


def _refuse_hidden_files(data: bytes, foreign: list[Box], end: int) -> None:
    contents = [data[box.body : box.end] for box in foreign]
    if camera_trailers.hides_file(data, end) or any(
        camera_trailers.hides_file(content, 0) for content in contents
    ):
        raise HiddenFile


def _free_boxes(data: bytes, foreign: list[Box]) -> bytes:
    if not foreign:
        return data
    changed = bytearray(data)
    for box in foreign:
        changed[box.start + 4 : box.start + 8] = b"free"
    return bytes(changed)
