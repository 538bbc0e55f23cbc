"""Animated GIF, WebP and PNG pictures: size, number of frames and duration from their blocks. Pure.

They are handled as videos without sound. Sources: GIF 89a; PNG, third edition (APNG); WebP
Container Specification.
"""

import struct
from collections.abc import Iterator
from itertools import islice

from foundation.errors import BadInput
from generators.containers import gif, png, webp
from generators.containers.camera_trailers import FileEnd
from generators.containers.tracks import Demuxer, MediaTracks, TrackScan

_SHORT = 20
_USUAL = 100
"""Browsers show a frame with a delay below `_SHORT` milliseconds for `_USUAL` milliseconds."""


def is_animation_format(data: bytes) -> bool:
    """Return True if the file has the signature of one of these formats."""
    return (
        data[:6] in gif.GIF_SIGNATURES or data.startswith(png.PNG_SIGNATURE) or webp.is_webp(data)
    )


def has_second_frame(data: bytes) -> bool:
    """Return True if the file has one of these formats and a second frame."""
    try:
        return len([*islice(_iter_frame_durations(data, TrackScan("-"), FileEnd()), 2)]) > 1
    except (BadInput, IndexError, struct.error, png.BadChecksum):
        return False


def inspect_animation(data: bytes, *, name: str) -> MediaTracks:
    """Return the tracks of an animation. Raises BadInput (generators/containers/tracks.py)."""
    found = TrackScan(name, video=1, may_be_clear=True)
    end = FileEnd()
    try:
        lengths = [*_iter_frame_durations(data, found, end)]
    except (IndexError, struct.error, png.BadChecksum) as error:
        raise found.refusal("film.corrupt") from error
    if not lengths:
        raise found.refusal("film.corrupt")
    found.own = found.cut_trailer(data, end)
    if webp.is_webp(data):
        found.own = webp.repair_length(found.own)
    found.seconds = sum(length if length >= _SHORT else _USUAL for length in lengths) / 1000
    found.rate = len(lengths) / found.seconds if found.seconds else 0.0
    return found.to_tracks(demuxer_of(data))


def demuxer_of(data: bytes) -> Demuxer:
    """Return the name of FFmpeg's demuxer for the file."""
    if data.startswith(png.PNG_SIGNATURE):
        return "apng"
    return "gif" if data[:6] in gif.GIF_SIGNATURES else "webp_anim"


def _iter_frame_durations(data: bytes, found: TrackScan, end: FileEnd) -> Iterator[int]:
    """Yield the duration of each frame in milliseconds; the size is recorded in `found`, and where
    the animation ends in `end`."""
    if data[:6] in gif.GIF_SIGNATURES:
        return _scan_gif(data, found, end)
    if data.startswith(png.PNG_SIGNATURE):
        return _scan_png(data, found, end)
    if webp.is_webp(data):
        return _scan_webp(data, found, end)
    raise struct.error("none of these")


def _scan_gif(data: bytes, found: TrackScan, end: FileEnd) -> Iterator[int]:
    found.check_size(*struct.unpack_from("<HH", data, 6))
    delay = 0
    for block in gif.iter_blocks(data, end):
        found.count_part()
        if block.kind == gif.FRAME_BLOCK:
            yield delay * 10
            delay = 0
        elif block.kind == gif.CONTROL_BLOCK:
            (delay,) = struct.unpack_from("<H", data, block.body + 2)


def _scan_png(data: bytes, found: TrackScan, end: FileEnd) -> Iterator[int]:
    counted = 0
    for kind, body in png.iter_chunks(data, end):
        found.count_part()
        if kind == b"IHDR":
            found.check_size(*struct.unpack_from(">II", body))
        if kind == b"fcTL":
            counted += 1
            above, below = struct.unpack_from(">HH", body, 20)
            yield above * 1000 // (below or 100)
    if not counted:
        raise found.refusal("film.unsupported")


def _scan_webp(data: bytes, found: TrackScan, end: FileEnd) -> Iterator[int]:
    if webp.lacks_bytes(data):  # possibly frames
        raise found.refusal("film.corrupt")
    for kind, body in webp.iter_chunks(data, end):
        found.count_part()
        if kind == b"VP8X":
            found.check_size(
                1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
            )
        if kind == b"ANMF":
            yield int.from_bytes(body[12:15], "little")
