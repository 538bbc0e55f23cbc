"""Animated GIF, WebP and PNG pictures: size, number of frames and duration from their blocks. Pure.

They are handled as videos without sound. Data after the end of the picture is refused. Sources: GIF
89a; PNG, third edition (APNG); WebP Container Specification.
"""

import struct
import zlib
from collections.abc import Iterator
from itertools import islice

from foundation.errors import BadInput
from generators.containers.tracks import Demuxer, MediaTracks, TrackScan

_PNG = b"\x89PNG\r\n\x1a\n"
_GIF = (b"GIF87a", b"GIF89a")
_SHORT = 20
_USUAL = 100
"""Browsers show a frame with a delay below `_SHORT` milliseconds for `_USUAL` milliseconds."""


def is_animation_format(data: bytes) -> bool:
    """Return True if the file has the signature of one of these formats."""
    return (
        data[:6] in _GIF or data.startswith(_PNG) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP")
    )


def has_second_frame(data: bytes) -> bool:
    """Return True if the file has one of these formats and a second frame."""
    try:
        return len([*islice(_iter_frame_durations(data, TrackScan("-")), 2)]) > 1
    except (BadInput, IndexError, struct.error):
        return False


def inspect_animation(data: bytes, *, name: str) -> MediaTracks:
    """Return the tracks of an animation. Raises BadInput (generators/containers/tracks.py)."""
    found = TrackScan(name, video=1)
    try:
        lengths = [*_iter_frame_durations(data, found)]
    except (IndexError, struct.error) as error:
        raise found.refusal("film.corrupt") from error
    found.seconds = sum(length if length >= _SHORT else _USUAL for length in lengths) / 1000
    found.rate = len(lengths) / found.seconds if found.seconds else 0.0
    return found.to_tracks(demuxer_of(data))


def demuxer_of(data: bytes) -> Demuxer:
    """Return the name of FFmpeg's demuxer for the file."""
    if data.startswith(_PNG):
        return "apng"
    return "gif" if data[:6] in _GIF else "webp_anim"


def _iter_frame_durations(data: bytes, found: TrackScan) -> Iterator[int]:
    """Yield the duration of each frame in milliseconds; the size is recorded in `found`."""
    if data[:6] in _GIF:
        return _scan_gif(data, found)
    if data.startswith(_PNG):
        return _scan_png(data, found)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return _scan_webp(data, found)
    raise struct.error("none of these")


def _scan_gif(data: bytes, found: TrackScan) -> Iterator[int]:
    width, height, packed = struct.unpack_from("<HHB", data, 6)
    found.check_size(width, height)
    at = 13 + _colour_table_size(packed)
    delay = 0
    while data[at] != 0x3B:
        found.count_part()
        if data[at] == 0x2C:
            yield delay * 10
            at = _skip_sub_blocks(data, at + 11 + _colour_table_size(data[at + 9]))
            delay = 0
            continue
        if data[at] != 0x21:
            raise found.refusal("film.corrupt")
        if data[at + 1] == 0xF9:
            (delay,) = struct.unpack_from("<H", data, at + 4)
        at = _skip_sub_blocks(data, at + 2)
    if at + 1 != len(data):
        raise found.refusal("film.trailing")


def _colour_table_size(packed: int) -> int:
    return 3 << (packed & 7) + 1 if packed & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int:
    while data[at]:
        at += 1 + data[at]
    return at + 1


def _scan_png(data: bytes, found: TrackScan) -> Iterator[int]:
    at = len(_PNG)
    kind = b""
    counted = 0
    while kind != b"IEND":
        found.count_part()
        length, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + 8 + length]
        if struct.unpack_from(">I", data, at + 8 + length)[0] != zlib.crc32(kind + body):
            raise found.refusal("film.corrupt")
        if kind == b"IHDR":
            found.check_size(*struct.unpack_from(">II", body))
        if kind == b"fcTL":
            counted += 1
            above, below = struct.unpack_from(">HH", body, 20)
            yield above * 1000 // (below or 100)
        at += 12 + length
    if at != len(data):
        raise found.refusal("film.trailing")
    if not counted:
        raise found.refusal("film.unsupported")


def _scan_webp(data: bytes, found: TrackScan) -> Iterator[int]:
    end = struct.unpack_from("<I", data, 4)[0] + 8
    if end != len(data):
        raise found.refusal("film.trailing" if end < len(data) else "film.corrupt")
    at = 12
    while at < end:
        found.count_part()
        kind, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) != length:
            raise found.refusal("film.corrupt")
        if kind == b"VP8X":
            found.check_size(
                1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
            )
        if kind == b"ANMF":
            yield int.from_bytes(body[12:15], "little")
        at += 8 + length + length % 2
